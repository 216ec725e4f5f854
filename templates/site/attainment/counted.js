// Who is in a figure of the whole cohort, who is not and why, and what is still provisional, in words that
// lead to the names (edition for staff).

import { data } from "./data.js";
import { bySubject, received, rowOf, rows, series } from "./comparing.js";
import { leading, openEntries, openList, studentColumn } from "./list.js";
import { count, listed, sum } from "./words.js";

/** @import { Child } from "./dom.js" */
/** @import { Listed } from "./list.js" */

export const ALL = "all";
export const EVERYBODY = "everybody";

/** @typedef {{ student: number, subject: number | null }} Left */

/**
 * @param {string} figure
 * @param {string} subject
 * @param {string | null} series_
 * @param {string} reason
 * @returns {Left[]}
 */
const left = (figure, subject, series_, reason) =>
  data.who_left.filter(([one, name, at, why]) =>
    one === figure && why === reason && (series_ === null || name === series_) &&
    (subject === ALL || (at !== null && data.subjects[at] === subject))
  ).flatMap(([, , at, , people]) => people.map((student) => ({ student, subject: at })));

/**
 * @param {string} title
 * @param {readonly Left[]} of
 */
function openLeft(title, of) {
  const { head, cell, value } = studentColumn();
  /** @param {Left} one */
  const subject = (one) => one.subject === null ? "" : data.subjects[one.subject];
  /** @param {Left} one */
  const row = (one) => one.subject === null ? undefined : rowOf(one.student, one.subject);
  /** @type {Listed<Left>[]} */
  const columns = [
    {
      head,
      cell: (one) => cell(one.student),
      by: (one) => data.students[one.student],
      value: (one) => value(one.student),
    },
    ...(of.some((one) => one.subject !== null)
      ? [{ head: "Subject", cell: subject, by: subject, value: subject }]
      : []),
    ...series.map((name, at) => {
      const grade = (/** @type {Left} */ one) => {
        const there = row(one);
        return there === undefined ? "" : received(there, at);
      };
      return { head: name, number: true, cell: grade, value: grade };
    }),
  ];
  openList({ title, columns, rows: of });
}

/**
 * Those who are in a figure of one subject, or out of it for a reason.
 * @param {string} figure
 * @param {string} subject
 * @param {string} series_
 * @param {string} reason empty for those who are in it
 */
export function openLedger(figure, subject, series_, reason) {
  const title = [subject === ALL ? "" : subject, series_ === ALL ? "" : series_, reason].filter(
    Boolean,
  )
    .join(", ");
  if (reason) return openLeft(title, left(figure, subject, series_, reason));
  const at = data.subjects.indexOf(subject);
  const out = new Set(
    data.who_left.filter(([one, name, of]) => one === figure && name === series_ && of === at)
      .flatMap(([, , , , people]) => people),
  );
  openEntries(title, (bySubject[at] ?? []).filter((row) => !out.has(rows.student[row])));
}

/**
 * Results (one subject's are students) in a figure, and why others are not; with all subjects a student
 * counts in each.
 * @param {string} figure
 * @param {string} subject
 * @param {{ of?: string | null, inIt?: string, out?: string }} words Of one series; how sentences begin.
 * @returns {Child[]}
 */
export function whoIsIn(
  figure,
  subject,
  { of: one = null, inIt = "In it", out = "Left out" } = {},
) {
  const found = (data.left_out[figure] ?? []).filter((each) =>
    (subject === ALL || each.subject === subject) && (one === null || each.series === one)
  );
  if (!found.length) return [];
  /** @type {Map<string, number | null>} */
  const reasons = new Map();
  for (const [why, n] of found.flatMap((each) => each.out)) {
    const before = reasons.get(why);
    reasons.set(why, n === null || before === null ? null : (before ?? 0) + n);
  }
  const staff = data.edition === "staff";
  const where = subject === ALL ? "" : ` in ${subject}`;
  const told = [...reasons].flatMap(([why, n]) =>
    n === null ? [] : [{ why, text: `${count(n)} ${why}` }]
  );
  const untold = [...reasons].flatMap(([why, n]) => (n === null ? [why] : []));
  const numbers = found.map((each) => each.included);
  const included = numbers.some((n) => n === null) ? null : sum(numbers.map(Number));
  const all = included === null || untold.length
    ? null
    : included + sum([...reasons.values()].map(Number));
  const what = subject === ALL ? "results, a student counting in each subject" : "students";
  return [
    ...(included === null || all === null
      ? []
      : [`${inIt}: ${count(included)} of ${count(all)} ${what}. `]),
    ...(reasons.size
      ? [
        `${out}${where}: `,
        ...told.flatMap(({ why, text }, n) => [
          n === 0 ? "" : n === told.length - 1 ? " and " : ", ",
          staff
            ? leading(text, () => openLeft(`${why}${where}`, left(figure, subject, one, why)))
            : text,
        ]),
        told.length && untold.length ? "; " : "",
        untold.length ? `too few to say how many: ${listed(untold)}` : "",
        ". ",
      ]
      : staff
      ? ["Nobody is left out. "]
      : []),
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
