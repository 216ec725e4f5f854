// Attainment 8 and the EBacc by group, each number with its names (edition for staff).

import { data } from "./data.js";
import { $, fill } from "./dom.js";
import { leading, openList, studentColumn } from "./list.js";
import { sorted, table } from "./tables.js";
import { count, percent, plain } from "./words.js";

/** @import { GroupMeasures } from "./page.d.ts" */
/** @import { Column } from "./tables.js" */
/** @typedef {NonNullable<typeof data.measures>["of"]} Of */

const { measures: found } = data;

/** @param {number | null} value */
const figure = (value, digits = 1) => value === null ? "–" : value.toFixed(digits);

/**
 * @param {number | null} low
 * @param {number | null} high
 * @param {number} digits
 */
const span = (low, high, digits = 1) =>
  low === null || high === null ? "" : `${low.toFixed(digits)} to ${high.toFixed(digits)}`;

/** @param {GroupMeasures} row */
const named = ({ column, group }) => column ? `${column} ${group}` : "Everybody";

/** @param {GroupMeasures} row */
function inside({ column, group }) {
  const { of = [], values = [] } = data.groups.find(({ name }) => name === column) ?? {};
  return [...data.students.keys()].filter((student) => !column || values[of[student]] === group);
}

/**
 * A column of the list: points, or words.
 * @param {string} head
 * @param {(student: number) => string | number | null} value
 */
const of = (head, value) => ({
  head,
  number: typeof value(0) === "number",
  cell: (/** @type {number} */ student) => {
    const one = value(student);
    return one === null ? "–" : typeof one === "number" ? plain(one) : one;
  },
  by: value,
  value,
});

/**
 * @param {GroupMeasures} row
 * @param {"attainment_8" | "ebacc_points"} measure what they are in order of
 * @param {string} title
 */
function open(row, measure, title) {
  if (!found) return;
  const own = found.of;
  openList({
    title: `${title}: ${named(row)}`,
    note: `Rules of ${found.rules}; ${found.compared}. The lowest first.`,
    columns: [
      studentColumn(),
      of("Attainment 8", (student) => own.attainment_8[student]),
      of("English", (student) => own.english[student]),
      of("counts", (student) => own.english_doubled[student] ? "twice" : "once"),
      of("Maths (twice)", (student) => own.maths[student]),
      of("EBacc slots", (student) => own.ebacc[student]),
      of("from", (student) => own.ebacc_from[student] ?? ""),
      of("Open slots", (student) => own.open[student]),
      of("from", (student) => own.open_from[student] ?? ""),
      of("EBacc", (student) => own.ebacc_entered[student] ? "entered" : "not entered"),
      of("EBacc points", (student) => own.ebacc_points[student]),
      of("Not counted", (student) => own.why_not[student] ?? ""),
      ...data.groups.filter(({ per }) => per === "student").map(({ name, values, of: codes }) =>
        of(name, (student) => values[codes[student]])
      ),
    ],
    rows: sorted(inside(row), (student) => own[measure][student], false),
  });
}

/** @type {Column<GroupMeasures>[]} */
const COLUMNS = [
  { head: "Group", cell: named },
  { head: "Students", number: true, cell: ({ students }) => count(students) },
  { head: "Counted", number: true, cell: ({ n }) => count(n) },
  {
    head: "Attainment 8",
    number: true,
    cell: (row) =>
      leading(figure(row.attainment_8), () => open(row, "attainment_8", "Attainment 8")),
    by: (row) => row.attainment_8,
  },
  {
    head: "95 % interval",
    number: true,
    cell: (row) => span(row.attainment_8_low, row.attainment_8_high),
  },
  { head: "English, of 18", number: true, cell: (row) => figure(row.mean_english) },
  { head: "Maths, of 18", number: true, cell: (row) => figure(row.mean_maths) },
  {
    head: "EBacc, of 27 (slots filled)",
    number: true,
    cell: (row) => `${figure(row.mean_ebacc)} (${figure(row.mean_ebacc_filled)})`,
  },
  {
    head: "Open, of 27 (slots filled)",
    number: true,
    cell: (row) => `${figure(row.mean_open)} (${figure(row.mean_open_filled)})`,
  },
  {
    head: "Entered the EBacc",
    number: true,
    cell: (row) => row.ebacc_entered_share === null ? "–" : percent(row.ebacc_entered_share),
    by: (row) => row.ebacc_entered_share,
  },
  {
    head: "EBacc points",
    number: true,
    cell: (row) =>
      leading(figure(row.ebacc_points, 2), () => open(row, "ebacc_points", "EBacc points")),
    by: (row) => row.ebacc_points,
  },
  {
    head: "95 % interval",
    number: true,
    cell: (row) => span(row.ebacc_points_low, row.ebacc_points_high, 2),
  },
];

export function measures() {
  if (!found || found.why) return;
  const caption = `By the rules of ${found.rules}, ${found.compared}; points of each part of it`;
  fill($("measures-table"), table(caption, COLUMNS, found.groups));
  $("measures-notes").textContent = found.notes.join(" ");
}
