// Mean differences of subjects and groups with their intervals.

import { data } from "./data.js";
import { $, fill, isThere, options, selectOf } from "./dom.js";
import { ALL, provisional, whoIsIn } from "./counted.js";
import { compare, main, rowsIn } from "./comparing.js";
import { leading, openEntries } from "./list.js";
import { NARROW, roomFor, show, slotOf } from "./pictures.js";
import { sorted, table, tableView } from "./tables.js";
import { chance, count, listed, OUTCOMES, sentences, signed, SYMBOL } from "./words.js";

/** @import { Mean } from "./page.d.ts" */
/** @import { Column } from "./tables.js" */
/** @typedef {Mean & { row: string }} Row */

/** @returns {Row[]} In the school's order, or by their means. */
function rowsOf() {
  const [by, subject] = [selectOf("split").value, selectOf("split-subject").value];
  const found = by === ALL
    ? data.means.filter((row) => row.column === ALL && row.subject !== ALL).map((row) => ({
      ...row,
      row: row.subject,
    }))
    : data.means.filter((row) =>
      row.subject === subject && (row.column === by || row.column === ALL)
    )
      .map((row) => ({ ...row, row: row.column === ALL ? "everybody" : row.group }));
  return selectOf("split-order").value === "mean" ? sorted(found, (row) => row.mean, true) : found;
}

/**
 * Names behind a number, in the edition that has them.
 * @param {Row} row
 * @param {"below" | "met" | "exceeded" | null} outcome null: all who are compared
 */
function openRow(row, outcome = null) {
  const of = rowsIn(row.subject, row.column, row.group).filter((each) => {
    const found = compare(each, main);
    return outcome ? found.outcome === outcome : found.outcome !== "none";
  });
  const whose = row.column === ALL ? "" : `, ${row.column} ${row.group}`;
  const where = row.subject === ALL ? "all subjects" : row.subject;
  openEntries(`${where}${whose}: ${outcome ?? "compared"}`, of, { comparison: main });
}

/**
 * @param {number} n
 * @param {Row} row
 * @param {"below" | "met" | "exceeded" | null} outcome
 */
const number = (n, row, outcome = null) =>
  n && data.edition === "staff" ? leading(count(n), () => openRow(row, outcome)) : count(n);

/** @param {number | null} value */
const figure = (value) => (value === null ? "" : signed(value));

/** @param {string} subject */
function outOf(subject) {
  const one = (data.left_out.progress ?? []).find((each) => each.subject === subject);
  return one
    ? one.out.map(([why, n]) => `${n === null ? "some" : count(n)} ${why}`).join(", ")
    : "";
}

/** @type {Column<Row>[]} */
const COLUMNS = [
  { head: "Of", cell: (row) => row.row, by: (row) => row.row },
  {
    head: "Matched",
    number: true,
    cell: (row) => row.n !== null ? number(row.n, row) : row.mean === null ? "too few" : "not told",
    by: (row) => row.n,
  },
  {
    head: "Mean difference",
    number: true,
    cell: (row) => figure(row.mean),
    by: (row) => row.mean,
  },
  {
    head: "95 % interval",
    number: true,
    cell: ({ low, high }) =>
      low === null || high === null ? "" : `${signed(low)} to ${signed(high)}`,
  },
  { head: "Shrunk", number: true, cell: (row) => figure(row.shrunk), by: (row) => row.shrunk },
  { head: "Is it chance?", cell: ({ n, low, high }) => chance(n, low, high) },
  ...OUTCOMES.map((outcome) => ({
    head: `${SYMBOL[outcome]} ${outcome}`,
    number: true,
    cell: (/** @type {Row} */ row) => {
      const n = row[outcome];
      return n === null ? "" : number(n, row, outcome);
    },
  })),
  {
    head: "Against own other subjects",
    number: true,
    cell: (row) => figure(row.residual),
    by: (row) => row.residual,
  },
  { head: "Result", cell: (row) => row.waiting ? `${row.waiting} so far` : data.final_name },
  { head: "Left out", cell: (row) => (row.column === ALL ? outOf(row.subject) : "") },
];

const showTable = tableView("means-table", () => [
  table($("means-title").textContent ?? "", COLUMNS, rowsOf()),
]);

export function drawMeans() {
  if (!isThere("split")) return;
  const by = selectOf("split").value;
  /** @type {HTMLElement} */ (selectOf("split-subject").closest("label")).hidden = by === ALL;
  const rows = rowsOf();
  const drawn = rows.filter((row) => row.mean !== null);
  const wide = roomFor("means") >= NARROW;
  const ends = drawn.flatMap(({ mean, low, high }) => [mean, low, high]);
  const reach = Math.max(0.5, ...ends.map((end) => Math.abs(end ?? 0)));
  const subject = selectOf("split-subject").value;
  $("means-title").textContent = by === ALL
    ? "Mean difference by subject"
    : `Mean difference by ${by}, ${subject === ALL ? "all subjects" : subject}`;
  show("means", {
    means: drawn.map((row) => ({
      row: row.row,
      mean: row.mean,
      low: row.low,
      high: row.high,
      shrunk: row.shrunk,
      hollow: row.waiting !== null,
      text: [
        row.n === null ? "" : `n ${count(row.n)}`,
        row.waiting && wide ? `${row.waiting} so far` : "",
      ].filter(Boolean).join(", "),
    })),
  }, {
    height: Math.max(1, drawn.length) * data.row_height,
    most: Math.min(9, Math.ceil(reach * 2) / 2),
  });
  const few = rows.length - drawn.length;
  const why = data.edition === "shareable"
    ? `fewer than ${data.fewest} students, or figures from which they would follow`
    : "nobody to compare";
  const none = by === ALL
    ? data.subjects.filter((name) => !rows.some((row) => row.subject === name))
    : [];
  fill(
    $("means-notes"),
    ...whoIsIn("progress", by === ALL ? ALL : subject),
    sentences([
      few && `${few} ${few === 1 ? "row is" : "rows are"} not drawn: ${why}.`,
      none.length && `Nobody to compare in ${listed(none)}.`,
      provisional(drawn),
    ]),
  );
  showTable();
}

/** A class is one of its subject, so all subjects together have none. */
function offerSubjects() {
  const by = selectOf("split").value;
  const before = selectOf("split-subject").value;
  const per = data.groups?.find((group) => group.name === by)?.per;
  const names = [
    ...new Set(data.means.filter((row) => row.column === by).map((row) => row.subject)),
  ].filter((name) => name !== ALL || per !== "row");
  options(
    selectOf("split-subject"),
    names.map((name) => [name, name === ALL ? "all subjects" : name]),
  );
  if (names.includes(before)) selectOf("split-subject").value = before;
}

export function means() {
  if (!isThere("split")) return;
  const columns = data.means.filter((row) => row.column !== ALL).map((row) => row.column);
  const byGroup = [...new Set(columns)];
  options(selectOf("split"), [[ALL, "subject"], ...byGroup.map((name) => [name, name])]);
  /** @type {HTMLElement} */ (selectOf("split").closest("label")).hidden = !byGroup.length;
  offerSubjects();
  selectOf("split").addEventListener("change", () => {
    offerSubjects();
    drawMeans();
  });
  for (const id of ["split-subject", "split-order"]) $(id).addEventListener("change", drawMeans);
  if (data.edition !== "staff") return;
  $("means-chart").addEventListener("click", (event) => {
    const slot = slotOf("means", event);
    const drawn = rowsOf().filter((row) => row.mean !== null);
    const row = slot && slot.y >= 0 ? drawn[Math.floor(slot.y / data.row_height)] : undefined;
    if (row) openRow(row);
  });
}
