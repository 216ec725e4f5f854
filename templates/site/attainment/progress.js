// One student's grades in one subject over the series, against what they are held against.

import { data } from "./data.js";
import { $, el, fill } from "./dom.js";
import { on, pinned, state } from "./state.js";
import {
  absent,
  baseline,
  compare,
  gradeOf,
  received,
  rounded,
  rowOf,
  rows,
  sat,
} from "./comparing.js";
import { held, isStandard, series, standard, verdict } from "./comparing.js";
import { show } from "./pictures.js";
import { table, tableView } from "./tables.js";
import { axisOf } from "./scales.js";
import { signed } from "./words.js";

/** @returns {[number | null, string]} */
function person() {
  if (state.hovered !== null) return [state.hovered, "Hovering:"];
  const student = pinned();
  if (student !== null) return [student, "Pinned:"];
  return [state.last, "Last hovered:"];
}

/**
 * @param {string} verdict_
 * @param {string} outcome
 */
function say(verdict_, outcome = "") {
  const place = $("progress-verdict");
  place.textContent = verdict_;
  place.className = `verdict ${outcome}`.trim();
}

const EMPTY = { line: [], points: [], reference: [], range: [], names: [] };
const APART = 0.55; // grades between two names
const GRADE = 31; // pixels

function drawProgress() {
  const [student, why] = person();
  const subject = data.subjects[state.subject];
  $("progress").classList.toggle("nobody", student === null);
  if (student === null) {
    fill($("progress-title"), "Nobody yet");
    say(
      "Hover a dot, tap it, or search for a student: their progress through the series appears here.",
    );
    $("progress-notes").textContent = "";
    return show("progress", EMPTY);
  }
  fill($("progress-title"), el("span", { class: "why" }, `${why} `), data.students[student]);
  const row = rowOf(student, state.subject);
  if (row === undefined) {
    say(`${data.students[student]} does not take ${subject}.`);
    $("progress-notes").textContent = "";
    show("progress", EMPTY);
  } else {
    drawRow(row);
  }
  showTable();
}

/** @param {number} row */
const there = (row) => sat.filter((at) => rows.points[at][row] !== null);

/**
 * @param {number} at
 * @param {number} row
 */
const pointsOf = (at, row) => /** @type {number} */ (rows.points[at][row]);

/**
 * The outcome is that of the series compared: what was sat after it is drawn in grey.
 * @param {number} row
 * @param {boolean} faint
 */
function lineOf(row, faint) {
  const found = compare(row);
  const decided = found.outcome !== "none";
  const all = there(row);
  const upTo = decided ? all.filter((at) => at <= found.at) : [];
  const after = decided ? all.filter((at) => at >= found.at) : all;
  const parts = [
    { part: upTo, outcome: found.outcome, dashed: found.provisional },
    { part: after, outcome: "none", dashed: false },
  ];
  return parts.filter(({ part }) => part.length > 1).flatMap(({ part, outcome, dashed }, n) =>
    part.map((at) => ({
      who: `${row} ${n}`,
      x: sat.indexOf(at),
      y: pointsOf(at, row),
      outcome,
      dashed,
      faint,
    }))
  );
}

/**
 * Whose line ends where; names that would lie on each other move apart.
 * @param {readonly number[]} of rows
 */
function namesOf(of) {
  const ends = of.flatMap((row) => {
    const at = there(row).pop();
    if (at === undefined) return [];
    return [{ x: sat.indexOf(at), y: pointsOf(at, row), text: data.students[rows.student[row]] }];
  }).sort((a, b) => a.y - b.y);
  for (const [n, end] of ends.entries()) {
    if (n && end.y - ends[n - 1].y < APART) end.y = ends[n - 1].y + APART;
  }
  return ends;
}

/**
 * Whether the words of a dashed line stand below it: where they lie on less of the first result, its
 * symbol and its number.
 * @param {number} base
 * @param {number | undefined} first
 */
function standsBelow(base, first) {
  if (first === undefined) return false;
  const symbol = (base - first) * GRADE;
  const text = first < base ? symbol + 17 : symbol - 15;
  /** @param {number} middle */
  const covered = (middle) => [symbol, text].filter((at) => Math.abs(at - middle) < 16).length;
  return covered(13) < covered(-11);
}

/** @param {number} row */
function drawRow(row) {
  const found = compare(row);
  const { base } = found;
  say(`${data.subjects[state.subject]}: ${verdict(row)}`, found.outcome);
  const results = there(row).map((at) => pointsOf(at, row));
  const decided = found.outcome !== "none";
  const [low, high] = [Math.min(...results), Math.max(...results)];
  /** @param {number} of */
  const off = (of) =>
    base === null || !isStandard(found.against)
      ? ""
      : ` (${Math.abs(of - base) < 1e-9 ? "±0" : signed(of - base)})`;
  const flat = low === high;
  const label = base === null || found.against === null
    ? ""
    : rounded(row, found)
    ? standard(row, found)
    : `${held[found.against]} ${gradeOf(row, base)}`;
  const others = state.pinned.length > 1
    ? state.pinned.map((student) => rowOf(student, state.subject)).filter((each) => each !== row)
      .filter((each) => each !== undefined)
    : [];
  show("progress", {
    line: [...others.flatMap((each) => lineOf(each, true)), ...lineOf(row, false)],
    points: there(row).map((at) => {
      const end = decided && at === found.at;
      return {
        x: sat.indexOf(at),
        y: pointsOf(at, row),
        outcome: end ? found.outcome : "none",
        hollow: !end || found.provisional,
        under: base !== null && pointsOf(at, row) < base,
        text: gradeOf(row, pointsOf(at, row)),
      };
    }),
    names: others.length ? namesOf([...others, row]) : [],
    reference: base === null
      ? []
      : [{ y: base, text: label, under: standsBelow(base, results[0]) }],
    range: results.length && !others.length
      ? [{
        x: sat.length,
        low,
        high,
        low_text: flat ? "" : `lowest ${gradeOf(row, low)}${off(low)}`,
        high_text: `${flat ? "always" : "highest"} ${gradeOf(row, high)}${off(high)}`,
      }]
      : [],
  }, {
    ...axisOf(data.scale_of[state.subject]),
    labels: [
      ...sat.map((at) => [
        series[at],
        absent[at].has(row) ? "absent" : rows.points[at][row] === null ? "no result" : "",
      ]),
      others.length ? ["", ""] : ["lowest to", "highest"],
    ],
  });
  sayNotes(row);
}

/** @param {number} row */
function sayNotes(row) {
  const student = rows.student[row];
  const gaps = sat.filter((at) => rows.points[at][row] === null).map((at) =>
    absent[at].has(row) ? `absent in ${series[at]}` : `no result in ${series[at]}`
  );
  const groups = data.groups.map(({ per, of, values, name }) => {
    const value = values[of[per === "row" ? row : student]];
    return value === data.not_stated ? "" : `${name} ${value}`;
  }).filter(Boolean);
  $("progress-notes").textContent = [
    ...gaps.slice(0, 1).map((gap) => gap[0].toUpperCase() + gap.slice(1)),
    ...gaps.slice(1),
    ...groups,
  ].join(" · ");
}

const showTable = tableView("progress-table", () => {
  const [student] = person();
  const row = rowOf(student, state.subject);
  if (student === null || row === undefined) return [el("p", {}, "Nobody is drawn.")];
  const expected = data.rounding === "none" ? series[baseline ?? 0] : "expected";
  const against = rows.against[row];
  return [
    table(`${data.students[student]}, ${data.subjects[state.subject]}`, [
      { head: "Series", cell: (at) => series[at] },
      { head: "Grade", number: true, cell: (at) => received(row, at) },
      ...(baseline === null ? [] : [{
        head: `Against ${expected}`,
        number: true,
        cell: (/** @type {number} */ at) => {
          const points = rows.points[at][row];
          return at === baseline || points === null || against === null
            ? ""
            : signed(points - against);
        },
      }]),
    ], series.map((_, at) => at)),
    el("p", {}, verdict(row)),
  ];
});

export function progress() {
  on(["hovered", "pinned", "last", "subject", "comparison", "group", "matched"], drawProgress);
}
