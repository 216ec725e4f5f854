// Value added of the subjects beside their residual, in quadrants with words.

import { data } from "./data.js";
import { $, el, fill, isThere } from "./dom.js";
import { main, rowsIn } from "./comparing.js";
import { openEntries } from "./list.js";
import { ALL, provisional, soFar, whoIsIn } from "./counted.js";
import { beside, nearestOf, placeOf, roomFor, show } from "./pictures.js";
import { table, tableView } from "./tables.js";
import { count, listed, sentences, signed } from "./words.js";

/** @import { ApartRow } from "./page.d.ts" */

const { rows, most } = data.apart;
const WIDE = 700;

/** @param {ApartRow} row */
function words({ x, y }) {
  const across = x === 0 ? "at" : x > 0 ? "above" : "below";
  const up = y === 0 ? "the same as" : y > 0 ? "better than" : "worse than";
  return `${across} ${data.baseline_name}, ${up} in others`;
}

/**
 * @param {number | null} low
 * @param {number | null} high
 */
const between = (low, high) =>
  low === null || high === null ? "" : `${signed(low)} to ${signed(high)}`;

/** @param {number | null} n */
const number = (n) => (n === null ? "" : count(n));

const showTable = tableView("apart-table", () => [
  table($("apart-title").textContent ?? "", [
    { head: "Subject", cell: (row) => row.name, by: (row) => row.name },
    { head: "n", number: true, cell: (row) => number(row.n), by: (row) => row.n },
    { head: "Value added", number: true, cell: (row) => signed(row.x), by: (row) => row.x },
    { head: "95 % interval", number: true, cell: (row) => between(row.low, row.high) },
    ...(rows.some((row) => row.n_residual !== null)
      ? [{
        head: "n",
        number: true,
        cell: (/** @type {ApartRow} */ row) => number(row.n_residual),
        by: (/** @type {ApartRow} */ row) => row.n_residual,
      }]
      : []),
    { head: "Residual", number: true, cell: (row) => signed(row.y), by: (row) => row.y },
    {
      head: "95 % interval",
      number: true,
      cell: (row) => between(row.residual_low, row.residual_high),
    },
    { head: "", cell: (row) => `${words(row)}${soFar(row)}` },
  ], rows),
]);

export function drawApart() {
  if (!isThere("apart")) return;
  const side = roomFor("apart") < WIDE ? "narrow" : "wide";
  const unnamed = rows.filter((row) => !row[side]).length;
  $("apart-title").textContent = `${rows.length} ${
    rows.length === 1 ? "subject" : "subjects"
  } against ${data.baseline_name} and against own other subjects`;
  show("apart", {
    apart: rows.map((row) => ({
      name: row.name,
      x: row.x,
      y: row.y,
      size: row.size,
      hollow: row.waiting !== null,
      side: row[side],
    })),
  }, { most });
  const none = data.subjects.filter((name) => !rows.some((row) => row.name === name));
  const staff = data.edition === "staff";
  fill(
    $("apart-notes"),
    sentences([
      `A dot for each subject, larger for more students; hover or tap it for its figures${
        staff ? ", click it for its students" : ""
      }.`,
      unnamed && `${unnamed} without room for ${unnamed === 1 ? "its name" : "their names"}.`,
      none.length && `Not in it, for want of one of the two: ${listed(none)}.`,
      provisional(rows),
    ]),
    " ",
    ...whoIsIn("residual", ALL, { inIt: "In the residual", out: "Left out of it" }),
  );
  showTable();
}

export function apart() {
  if (!isThere("apart")) return;
  const [chart, bubble] = [$("apart-chart"), $("apart-tip")];
  /** @param {MouseEvent | null} event */
  function point(event) {
    const row = event && nearestOf("apart", rows, event);
    bubble.hidden = !row;
    if (!row) return;
    const figures = [
      `value added ${signed(row.x)}${row.n === null ? "" : `, n ${count(row.n)}`}`,
      `residual ${signed(row.y)}${row.n_residual === null ? "" : `, n ${count(row.n_residual)}`}`,
      `${words(row)}${soFar(row)}`,
    ];
    fill(bubble, el("strong", {}, row.name), ...figures.map((line) => el("span", {}, line)));
    beside(bubble, { offsetLeft: 0, offsetTop: 0 }, chart, placeOf("apart", row));
  }
  chart.addEventListener("pointermove", (event) => {
    if (event.pointerType !== "touch") point(event);
  });
  chart.addEventListener("pointerleave", (event) => {
    if (event.pointerType !== "touch") point(null);
  });
  chart.addEventListener("click", (event) => {
    point(event);
    const row = nearestOf("apart", rows, event);
    const touch = /** @type {PointerEvent} */ (event).pointerType === "touch";
    if (row && data.edition === "staff" && !touch) {
      openEntries(`${row.name}: everybody`, rowsIn(row.name, ALL, ALL), { comparison: main });
    }
  });
}
