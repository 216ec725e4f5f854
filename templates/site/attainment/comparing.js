// What each row's result is held against and what came of it, in numbers and in words (edition for staff).

import { data } from "./data.js";
import { state } from "./state.js";
import { el } from "./dom.js";
import { gradeIn } from "./scales.js";
import { count, listed, plain, SYMBOL } from "./words.js";

/** @import { Outcome } from "./page.d.ts" */

/**
 * @typedef {object} Comparison
 * @property {number | "compared"} top A series, or whichever stands for the final.
 * @property {number | null} base
 * @property {string} label
 */
/**
 * @typedef {object} Found
 * @property {number} at The series of the result; −1 for none.
 * @property {number | null} top
 * @property {number | null} base
 * @property {number | null} against
 * @property {boolean} provisional
 * @property {Outcome} outcome
 * @property {number | null} difference
 */

const NOTHING = { student: [], subject: [], points: [], absent: [], compared: [], against: [] };
export const rows = data.rows ?? NOTHING;
export const { series, final, baseline } = data;
const references = data.references ?? [];
/** What results can be held against: the series, and behind them targets and predictions. */
export const held = [...series, ...references.map(({ name }) => name)];
/**
 * The target or the prediction that has this place there; a series is none.
 * @param {number} at
 */
export const referenceOf = (at) => references[at - series.length];
export const sat = series.map((_, at) => at).filter((at) => at !== baseline);
export const absent = rows.absent.map((list) => new Set(list));
/** @type {number[][]} */
export const bySubject = data.subjects.map(() => []);
/** @type {number[][]} */
export const byStudent = (data.students ?? []).map(() => []);
for (const [row, student] of rows.student.entries()) {
  bySubject[rows.subject[row]].push(row);
  byStudent[student].push(row);
}

const AGAINST_BASELINE = { below: "below", met: "met", exceeded: "exceeded", none: "" };
const AGAINST_SERIES = { below: "lower", met: "the same", exceeded: "higher", none: "" };

/**
 * Whether it is a standard to meet, and no exam that was sat.
 * @param {number | null} at
 */
export const isStandard = (at) => at !== null && (at === baseline || at >= series.length);

/** @param {number} at */
function titleOf(at) {
  const reference = referenceOf(at);
  if (!reference) return series[at];
  const { name, role } = reference;
  return name.toLowerCase().includes(role) ? name : `${name} (${role})`;
}

export const comparisons = menu();

/** @returns {Comparison[]} */
function menu() {
  /** @type {Comparison[]} */
  const found = [];
  if (baseline !== null) {
    const provisional = !rows.compared.includes(final);
    const stands = [...new Set(rows.compared.filter((at) => at >= 0))].sort((a, b) => b - a);
    const label = provisional && stands.length
      ? `${series[stands[0]]} against ${series[baseline]}; ${series[final]} not sat`
      : `${series[final]} against ${series[baseline]}${
        stands.length > 1 ? "; the newest before it where it is not sat" : ""
      }`;
    found.push({ top: "compared", base: baseline, label });
  }
  /** @param {number} at */
  const there = (at) => rows.points[at]?.some((points) => points !== null);
  for (const base of [baseline, ...references.map((_, n) => series.length + n), ...sat]) {
    if (base === null || (base < series.length && !there(base))) continue;
    for (const top of [...sat].reverse()) {
      const known = found.some((one) =>
        one.base === base && one.label.startsWith(`${series[top]} against`)
      );
      if (top !== base && there(top) && !known && (isStandard(base) || top > base)) {
        found.push({ top, base, label: `${series[top]} against ${titleOf(base)}` });
      }
    }
  }
  const newest = [...sat].reverse().find(there) ?? sat[0];
  return found.length
    ? found
    : [{ top: newest, base: null, label: `${series[newest]}, nothing to compare it with` }];
}

export const chosen = () => comparisons[state.comparison];

/**
 * What is compared in these rows, which may be of a subject that is still waiting for the final.
 * @param {readonly number[]} of
 */
export function labelOf(of) {
  const { top, base, label } = chosen();
  if (top !== "compared" || base === null) return label;
  const [at, ...others] = new Set(of.map((row) => rows.compared[row]).filter((each) => each >= 0));
  if (at === undefined || others.length) return label;
  return `${series[at]} against ${held[base]}${at === final ? "" : `; ${series[final]} not sat`}`;
}

/** The newest result against the baseline, where there is one. */
export const main = comparisons[0];

/**
 * What a row's result is against what, and what came of it.
 * @param {number} row
 * @param {Comparison} comparison
 * @returns {Found}
 */
export function compare(row, { top: which, base: against } = chosen()) {
  const at = which === "compared" ? rows.compared[row] : which;
  const top = at < 0 ? null : rows.points[at][row];
  const base = against === null
    ? null
    : against === baseline
    ? rows.against[row]
    : against >= series.length
    ? referenceOf(against).of[row]
    : rows.points[against][row];
  const provisional = which === "compared" && at >= 0 && at !== final;
  if (top === null || base === null) {
    return { at, top, base, against, provisional, outcome: "none", difference: null };
  }
  const difference = top - base;
  const tolerance = against === baseline ? data.tolerance : 0;
  const met = Math.abs(difference) <= tolerance + 1e-9;
  const outcome = met ? "met" : difference < 0 ? "below" : "exceeded";
  return { at, top, base, against, provisional, outcome, difference };
}

/**
 * Why a result and what it is held against are not compared.
 * @param {number} row
 */
export function whyNot(row) {
  const { at, top, base, against } = compare(row);
  if (against === null || (top !== null && base !== null)) return [];
  return [
    ...(top === null ? [gone(row, at < 0 ? final : at)] : []),
    ...(base === null ? [gone(row, against)] : []),
  ];
}

/**
 * @param {number} row
 * @param {number} at
 */
export const gone = (row, at) => absent[at]?.has(row) ? `absent in ${held[at]}` : `no ${held[at]}`;

/**
 * 28 not compared (no BASELINE); 30 not compared (28 no BASELINE, 2 no GCSE)
 * @param {readonly number[]} of
 */
export function notCompared(of) {
  /** @type {Map<string, number>} */
  const reasons = new Map();
  for (const row of of) {
    const why = listed(whyNot(row));
    reasons.set(why, (reasons.get(why) ?? 0) + 1);
  }
  const parts = [...reasons].sort(([, a], [, b]) => b - a).map(([why, n]) =>
    reasons.size > 1 ? `${count(n)} ${why}` : why
  );
  return `${count(of.length)} not compared${parts.some(Boolean) ? ` (${parts.join(", ")})` : ""}`;
}

/** The words for outcomes of the comparison that is chosen. */
export const outcomeWords = (comparison = chosen()) =>
  isStandard(comparison.base) ? AGAINST_BASELINE : AGAINST_SERIES;

/** @param {Found} found */
export const word = (found) =>
  (isStandard(found.against) ? AGAINST_BASELINE : AGAINST_SERIES)[found.outcome];

/**
 * @param {number} row
 * @param {Found} found
 */
export const rounded = (row, found) =>
  found.base !== null && baseline !== null && found.against === baseline &&
  rows.points[baseline][row] !== found.base;

/**
 * @param {number} row
 * @param {number} points
 */
export const gradeOf = (row, points) => gradeIn(rows.subject[row], points);

/**
 * @param {number} at
 * @param {number} row
 */
const gradeAt = (at, row) => gradeOf(row, /** @type {number} */ (rows.points[at][row]));

/**
 * BASELINE; expected 6 (BASELINE 5.5) where baselines are rounded before comparing
 * @param {number} row
 * @param {Found} found
 */
export function standard(row, found) {
  if (found.base === null || found.against === null) return "";
  return rounded(row, found)
    ? `expected ${gradeOf(row, found.base)} (${series[found.against]} ${
      gradeAt(found.against, row)
    })`
    : held[found.against];
}

/**
 * ▼ 1.4 below BASELINE
 * @param {number} row
 * @param {Found} found
 */
export function said(row, found) {
  const off = Math.abs(found.difference ?? 0);
  const size = off > 1e-9 ? `${plain(off)} ` : "";
  const toBaseline = {
    below: `${size}below`,
    met: size ? `met, ${size}off` : "met",
    exceeded: `${size}above`,
    none: "",
  };
  const toSeries = {
    below: `${size}lower than`,
    met: "the same as",
    exceeded: `${size}higher than`,
    none: "",
  };
  const words = isStandard(found.against) ? toBaseline : toSeries;
  return `${SYMBOL[found.outcome]} ${words[found.outcome]} ${standard(row, found)}`;
}

/**
 * @param {number} row
 * @param {Found} found
 */
export function verdict(row, found = compare(row)) {
  if (found.top === null) return "no result to compare";
  if (found.base === null) {
    return found.against === null
      ? "nothing to compare with"
      : `no ${held[found.against]} to compare with`;
  }
  return `${said(row, found)}${
    found.provisional
      ? ` so far: provisional, ${series[found.at]} stands in, ${series[final]} not sat`
      : ""
  }`;
}

/**
 * @param {number} row
 * @param {Comparison} comparison
 */
export function outcomeCell(row, comparison = chosen()) {
  const found = compare(row, comparison);
  if (found.outcome === "none") return verdict(row, found);
  return el(
    "span",
    { class: `outcome ${found.outcome}` },
    `${SYMBOL[found.outcome]} ${word(found)}${found.provisional ? " (provisional)" : ""}`,
  );
}

/**
 * The grade as received, and what it is on the scale where it is written otherwise.
 * @param {number} row
 * @param {number} at
 */
export function received(row, at) {
  const points = rows.points[at][row];
  if (absent[at].has(row)) return "absent";
  if (points === null) return "–";
  return data.received[at]?.[row] ?? gradeOf(row, points);
}

/**
 * The whole grade: 5 of a 5-, which lies below it.
 * @param {number} at
 * @param {number} row
 */
export function wholeAt(at, row) {
  const points = rows.points[at]?.[row];
  if (points === null || points === undefined) return null;
  return data.wholes[at]?.[row] ?? Math.floor(points);
}

/**
 * @param {number | null} student
 * @param {number} subject
 */
export const rowOf = (student, subject) =>
  student === null ? undefined : byStudent[student].find((row) => rows.subject[row] === subject);

/**
 * Rows of a subject and a group; "all" stands for every one.
 * @param {string} subject
 * @param {string} column
 * @param {string} group
 */
export function rowsIn(subject, column, group) {
  const at = data.subjects.indexOf(subject);
  const of = data.groups.findIndex(({ name }) => name === column);
  const inside = at < 0 ? [...rows.student.keys()] : bySubject[at];
  return of < 0
    ? inside
    : inside.filter((row) => data.groups[of].values[valueOf(of, row)] === group);
}

/** @param {number} row */
export const inGroup = (row) => {
  if (!state.group) return true;
  const [at, value] = state.group;
  return valueOf(at, row) === value;
};

/**
 * Which value of a group a row has.
 * @param {number} group
 * @param {number} row
 */
export const valueOf = (group, row) => {
  const { per, of } = data.groups[group];
  return of[per === "row" ? row : rows.student[row]];
};

/** Who takes the subject, who of them is shown, who is left out and why. */
export function scope() {
  const taking = bySubject[state.subject];
  const inside = taking.filter(inGroup);
  const held = series.map((_, at) => at).filter((at) =>
    taking.some((row) => rows.points[at][row] !== null)
  );
  /** @type {[number, string[]][]} */
  const gaps = inside.map((row) => /** @type {[number, string[]]} */ ([
    row,
    held.filter((at) => rows.points[at][row] === null).map((at) => gone(row, at)),
  ])).filter(([, reasons]) => reasons.length);
  const missing = new Set(gaps.map(([row]) => row));
  const nothing = new Set(
    gaps.filter(([, reasons]) => reasons.length === held.length).map(([row]) => row),
  );
  const out = state.matched ? missing : nothing;
  // what is compared may be missing though nobody of the subject has it
  const left = new Set(inside.filter((row) => !out.has(row)).filter((row) => whyNot(row).length));
  const gapOf = new Map(gaps.map((gap) => [gap[0], gap]));
  for (const row of left) {
    const gap = gapOf.get(row);
    if (gap) gap[1] = [...new Set([...gap[1], ...whyNot(row)])];
    else gaps.push([row, whyNot(row)]);
  }
  return { taking, left, inside, held, gaps, out, rows: inside.filter((row) => !out.has(row)) };
}
