// The cohort beside the one of last year at the same point (edition for staff).

import { data } from "./data.js";
import { $, fill, isThere } from "./dom.js";
import { show } from "./pictures.js";
import { ALL } from "./counted.js";
import { table, tableView } from "./tables.js";
import { percent, plain, signed } from "./words.js";

/** @import { Beside, YearRow } from "./page.d.ts" */
/** @import { Column } from "./tables.js" */

/** @type {Record<string, string>} */
const TITLES = {
  both_4: "9–4 in English and maths",
  both_5: "9–5 in English and maths",
  attainment_8: "Attainment 8",
  ebacc_entered: "Entered the EBacc",
  ebacc_points: "EBacc points",
  mean: "Mean grade",
  share_4: "4 or better",
  share_5: "5 or better",
};
const SHARES = ["both_4", "both_5", "ebacc_entered", "share_4", "share_5"];
const bySubject = () => data.years.rows.filter(({ subject }) => subject !== ALL);

/**
 * @param {string} measure
 * @param {number | null} value
 */
const value = (measure, value) =>
  value === null
    ? "–"
    : SHARES.includes(measure)
    ? percent(value)
    : measure === "attainment_8"
    ? value.toFixed(1)
    : plain(value);

/**
 * @param {string} measure
 * @param {number | null} change
 */
const change = (measure, change) =>
  change === null
    ? "–"
    : SHARES.includes(measure)
    ? `${signed(Math.round(100 * change))} points`
    : signed(change);

/**
 * @param {string} measure
 * @param {Beside} one
 */
const ends = (measure, [, , , , , low, high]) =>
  low === null || high === null
    ? "too few to say"
    : SHARES.includes(measure)
    ? `${signed(Math.round(100 * low))} to ${signed(Math.round(100 * high))}`
    : `${signed(low)} to ${signed(high)}`;

/** @param {Beside} one */
const beyond = ([, , , , , low, high]) =>
  low === null || high === null
    ? ""
    : low > 0
    ? "more than last year"
    : high < 0
    ? "less than last year"
    : "may be chance";

/** @typedef {{ subject: string, series: string, measure: string, one: Beside }} Row */

/**
 * @param {string} measure
 * @returns {(row: YearRow) => Row[]}
 */
const rowOf = (measure) => ({ subject, series, of }) =>
  measure in of ? [{ subject, series, measure, one: of[measure] }] : [];

/** @returns {Column<Row>[]} */
const columns = () => [
  { head: "Measure", cell: ({ measure }) => TITLES[measure] },
  { head: "Exam", cell: ({ series }) => series },
  {
    head: data.cohort,
    number: true,
    cell: ({ measure, one }) => `${value(measure, one[2])} of ${one[0]}`,
    by: ({ one }) => one[2],
  },
  {
    head: String(data.years.last),
    number: true,
    cell: ({ measure, one }) => `${value(measure, one[3])} of ${one[1]}`,
    by: ({ one }) => one[3],
  },
  {
    head: "Difference",
    number: true,
    cell: ({ measure, one }) => change(measure, one[4]),
    by: ({ one }) => one[4],
  },
  { head: "95 % interval", number: true, cell: ({ measure, one }) => ends(measure, one) },
  { head: "", cell: ({ one }) => beyond(one) },
];

const showTable = tableView("years-table", () => [
  table(
    `${data.cohort} beside ${data.years.last}, by subject`,
    [
      { head: "Subject", cell: ({ subject }) => subject, by: ({ subject }) => subject },
      ...columns(),
    ],
    bySubject().flatMap((row) =>
      ["mean", "share_4", "share_5"].flatMap((name) => rowOf(name)(row))
    ),
  ),
]);

export function drawYears() {
  if (!isThere("years")) return;
  const rows = bySubject().flatMap(rowOf("mean"));
  $("years-title").textContent =
    `Mean grades of ${data.cohort} less those of ${data.years.last}, in the newest exam of both`;
  const reach = Math.max(
    0.5,
    ...rows.flatMap(({ one }) => one.slice(4).map((end) => Math.abs(end ?? 0))),
  );
  show("years", {
    means: rows.map(({ subject, series, one }) => ({
      row: subject,
      mean: one[4],
      low: one[5],
      high: one[6],
      shrunk: null,
      hollow: series !== data.final_name,
      text: `${series}, n ${one[0]}`,
    })),
  }, {
    height: Math.max(1, rows.length) * data.row_height,
    most: Math.min(9, Math.ceil(reach * 2) / 2),
  });
  showTable();
}

export function years() {
  if (!isThere("years")) return;
  const over = data.years.rows.filter(({ subject }) => subject === ALL);
  const rows = over.flatMap(({ subject, series, of }) =>
    Object.keys(TITLES).flatMap((name) => rowOf(name)({ subject, series, of }))
  );
  if (rows.length) {
    fill(
      $("years-over"),
      table(`${data.cohort} beside ${data.years.last}, over subjects`, columns(), rows),
    );
  }
}
