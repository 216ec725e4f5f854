// Lists that people ask for: who fell since a mock, who is one grade from a boundary, who fell in any subject
// (edition for staff).

import { data } from "./data.js";
import { state } from "./state.js";
import { absent, baseline, byStudent, bySubject, compare, comparisons, held } from "./comparing.js";
import { inGroup, isStandard, main, rows, sat, scope, series, wholeAt } from "./comparing.js";
import { whyNot } from "./comparing.js";
import { fellIn, openPeople } from "./fallen.js";
import { openEntries } from "./list.js";
import { gradeIn } from "./scales.js";
import { menu } from "./menu.js";
import { sorted } from "./tables.js";
import { count } from "./words.js";

/** @import { Comparison } from "./comparing.js" */

const PASSES = [4, 5, 7]; // of GCSEs, which have many grades

/** What is shown now: a subject, and of a group. */
const where = () => {
  const subject = data.subjects[state.subject];
  if (!state.group) return subject;
  const { name, values } = data.groups[state.group[0]];
  return `${subject}, ${name} ${values[state.group[1]]}`;
};

/**
 * @param {string} text
 * @param {readonly number[]} of
 * @param {Comparison} comparison
 * @param {string} [note]
 */
const item = (text, of, comparison, note) => ({
  text,
  figure: count(of.length),
  take: of.length ? () => openEntries(`${where()}: ${text}`, of, { comparison, note }) : null,
});

/**
 * Exams that somebody has a grade in.
 * @param {readonly number[]} of rows
 */
const sittings = (of) => sat.filter((at) => of.some((row) => rows.points[at][row] !== null));

/** Each series that something was sat in after it, held against the newest. */
function falls() {
  const { inside } = scope();
  const there = sittings(inside);
  const newest = there[there.length - 1];
  return there.slice(0, -1).reverse().map((base) => {
    const label = `${series[newest]} against ${series[base]}`;
    const comparison = comparisons.find((one) => one.label === label) ??
      { top: newest, base, label };
    const changed = inside.filter((row) => compare(row, comparison).difference !== null);
    const order = sorted(changed, (row) => compare(row, comparison).difference, false);
    const fell = order.filter((row) => compare(row, comparison).outcome === "below");
    return item(`fell from ${series[base]} to ${series[newest]}, most first`, fell, comparison);
  });
}

/** Grades of the subject and the next ones above them. */
function boundaries() {
  const { ticks } = data.scales[data.scale_of[state.subject]];
  const steps = ticks.slice(0, -1).map((from, n) => [from, ticks[n + 1]]);
  return ticks.includes(9) ? steps.filter(([, to]) => PASSES.includes(to)) : steps;
}

function near() {
  const { inside } = scope();
  const byName = (/** @type {readonly number[]} */ of) =>
    sorted(of, (row) => rows.student[row], false);
  const below = baseline === null ? [] : inside.filter((row) => {
    const { outcome, difference } = compare(row, main);
    return outcome === "below" && Number(difference) >= -1 - 1e-9;
  });
  return [
    ...(baseline === null
      ? []
      : [item(`below ${series[baseline]} by one grade or less`, byName(below), main)]),
    ...boundaries().map(([from, to]) => {
      const at = inside.filter((row) => {
        const whole = wholeAt(compare(row, main).at, row);
        return whole !== null && whole >= Math.floor(from) && whole < Math.floor(to);
      });
      const [now, next] = [from, to].map((points) => gradeIn(state.subject, points));
      return item(`at ${now}, one grade from ${next}`, byName(at), main);
    }),
  ];
}

function others() {
  const { inside, rows: shown } = scope();
  const comparison = comparisons[state.comparison];
  const not = inside.filter((row) => whyNot(row).length);
  return [
    item("everybody who is shown", sorted(shown, (row) => rows.student[row], false), comparison),
    ...(not.length ? [item("not compared", not, comparison)] : []),
    ...sat.flatMap((at) => {
      const gone = inside.filter((row) => absent[at].has(row));
      return gone.length ? [item(`absent in ${series[at]}`, gone, comparison)] : [];
    }),
  ];
}

/** Of all subjects: who fell in any since an exam, who is below what they are held against in any. */
function everywhere() {
  const group = state.group && data.groups[state.group[0]].per === "student" ? state.group : null;
  const whose = group
    ? `, ${data.groups[group[0]].name} ${data.groups[group[0]].values[group[1]]}`
    : "";
  /** @param {readonly number[]} of */
  const shown = (of) => group ? of.filter(inGroup) : of;
  const newest = bySubject.map((of) => sittings(of).pop() ?? -1);
  const before = sat.filter((at) =>
    bySubject.some((of, subject) => newest[subject] > at && sittings(of).includes(at))
  );
  /**
   * @param {string} text
   * @param {(row: number) => Comparison} comparison
   */
  const any = (text, comparison) => {
    const people = byStudent.map((of, student) => fellIn(student, shown(of), comparison)).filter(
      ({ below }) => below.length,
    );
    const title = `All subjects${whose}: ${text}`;
    return {
      text,
      figure: count(people.length),
      take: people.length ? () => openPeople(title, people) : null,
    };
  };
  return [
    ...[...before].reverse().map((base) =>
      any(
        `fell from ${series[base]} in any subject`,
        (row) => ({ top: newest[rows.subject[row]], base, label: "" }),
      )
    ),
    ...(isStandard(main.base)
      ? [any(`below ${held[Number(main.base)]} in any subject`, () => main)]
      : []),
  ];
}

export function offers() {
  menu("lists", () => [
    { head: where(), items: [...falls(), ...near()] },
    { head: "All subjects", items: everywhere() },
    { head: "All", items: others() },
  ]);
}
