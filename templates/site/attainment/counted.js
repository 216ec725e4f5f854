// Who is in a figure of the whole cohort, who is not and why, and what is still provisional, in words.

import { data } from "./data.js";
import { count, listed, sum } from "./words.js";

export const ALL = "all";
export const EVERYBODY = "everybody";

/**
 * Results (one subject's are students) in a figure, and why others are not; with all subjects a student
 * counts in each.
 * @param {string} figure
 * @param {string} subject
 * @param {string | null} series
 */
export function whoIsIn(figure, subject, series = null) {
  const found = (data.left_out[figure] ?? []).filter((one) =>
    (subject === ALL || one.subject === subject) && (series === null || one.series === series)
  );
  if (!found.length) return [];
  /** @type {Map<string, number | null>} */
  const reasons = new Map();
  for (const [why, n] of found.flatMap(({ out }) => out)) {
    const before = reasons.get(why);
    reasons.set(why, n === null || before === null ? null : (before ?? 0) + n);
  }
  const told = [...reasons].flatMap(([why, n]) => (n === null ? [] : [`${count(n)} ${why}`]));
  const untold = [...reasons].flatMap(([why, n]) => (n === null ? [why] : []));
  const out = [
    listed(told),
    untold.length ? `too few to say how many: ${listed(untold)}` : "",
  ].filter(Boolean);
  const numbers = found.map((one) => one.included);
  const included = numbers.some((n) => n === null) ? null : sum(numbers.map(Number));
  const of = included === null || untold.length
    ? null
    : included + sum([...reasons.values()].map(Number));
  const what = subject === ALL ? "results, a student counting in each subject" : "students";
  const nobody = data.edition === "staff" ? ["Nobody is left out."] : [];
  return [
    ...(included === null || of === null
      ? []
      : [`In it: ${count(included)} of ${count(of)} ${what}.`]),
    ...(out.length
      ? [`Left out${subject === ALL ? "" : ` in ${subject}`}: ${out.join("; ")}.`]
      : nobody),
  ];
}

/** @param {{ waiting: string | null }} row */
export const soFar = (row) => (row.waiting ? `, ${row.waiting} so far` : "");

/**
 * Of rows that are drawn hollow.
 * @param {readonly { waiting: string | null }[]} rows
 */
export function provisional(rows) {
  const stands = [...new Set(rows.flatMap((row) => row.waiting ?? []))];
  if (!stands.length) return null;
  const there = rows.every((row) => row.waiting) ? "" : " there";
  return `Hollow: provisional, ${data.final_name} not sat${there}, ${listed(stands)} so far.`;
}
