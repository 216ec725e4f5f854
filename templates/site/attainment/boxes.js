// The boxes of a subject as a table.

import { state } from "./state.js";
import { table } from "./tables.js";
import { gradeIn } from "./scales.js";
import { count, plain } from "./words.js";

/** @import { Box } from "./page.d.ts" */
/** @import { Column } from "./tables.js" */
/** @import { Child } from "./dom.js" */
/**
 * With what leads to the names, where there are any.
 * @typedef {Partial<Box> & { series: string, absent?: number | null, with?: () => Child, without?: () => Child }} Row
 */

/** @type {readonly (readonly [string, "low" | "q1" | "median" | "q3" | "high" | "mean"])[]} */
const FIGURES = [
  ["Lowest", "low"],
  ["Lower quartile", "q1"],
  ["Median", "median"],
  ["Upper quartile", "q3"],
  ["Highest", "high"],
  ["Mean", "mean"],
];
const MAY_BE_EMPTY = ["Lowest", "Highest", "Mean", "Absent"];

/** @type {Column<Row>[]} */
const COLUMNS = [
  { head: "Series", cell: (row) => row.series },
  {
    head: "Results",
    number: true,
    cell: (row) =>
      row.with
        ? row.with()
        : typeof row.n === "number"
        ? count(row.n)
        : row.median === null
        ? "too few to show"
        : "not told",
  },
  ...FIGURES.map(([head, key]) => ({
    head,
    number: true,
    cell: (/** @type {Row} */ row) => {
      const value = row[key];
      if (value === null || value === undefined) return "";
      return key === "mean" ? plain(value) : gradeIn(state.subject, value);
    },
  })),
  {
    head: "Absent",
    number: true,
    cell: (row) =>
      row.without ? row.without() : typeof row.absent === "number" ? count(row.absent) : "",
  },
];

/** @param {readonly Row[]} rows */
export function boxTable(rows) {
  const shown = COLUMNS.filter(({ head, cell }) =>
    !MAY_BE_EMPTY.includes(head) || rows.some((row) => cell(row) !== "")
  );
  return table("Grades in each series", shown, rows);
}
