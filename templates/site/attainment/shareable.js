// The edition without names: figures of groups only.

import { data } from "./data.js";
import { $ } from "./dom.js";
import { on, state } from "./state.js";
import { axisOf } from "./scales.js";
import { boxTable } from "./boxes.js";
import { show } from "./pictures.js";
import { tableView } from "./tables.js";
import { count, students } from "./words.js";

/** @import { Box } from "./page.d.ts" */

/**
 * A box may be there though how many are in it is not told.
 * @param {Box | null} one
 */
const isShown = (one) => one !== null && one.median !== null;
const found = () => data.boxes[state.subject];

function drawSubject() {
  const subject = data.subjects[state.subject];
  show("distribution", {
    boxes: found().flatMap((one, at) => (isShown(one) ? [{ x: at, ...one }] : [])),
    dots: [],
    marked: [],
  }, {
    ...axisOf(data.scale_of[state.subject]),
    labels: data.series.map((name, at) => {
      const one = found()[at];
      if (!one) return [name, "none"];
      return [name, !isShown(one) ? "too few to show" : one.n === null ? "" : count(one.n)];
    }),
  });
  const compared = data.means.find((row) => row.subject === subject && row.column === "all");
  const hidden = found().filter((one) => one && !isShown(one)).length;
  const what = hidden === found().filter(Boolean).length
    ? `fewer than ${data.fewest} students in each series`
    : compared?.n
    ? `${students(compared.n)} compared`
    : `${data.fewest} students or more in a series`;
  $("distribution-title").textContent = `${subject}: ${what}`;
  $("distribution-notes").textContent = `${
    hidden
      ? `${hidden} of ${data.series.length} series left out: fewer than ${data.fewest} results each.`
      : "No series is left out."
  } How many have each series is not told where it would tell of the few without one.`;
  showTable();
}

const showTable = tableView("distribution-table", () => [
  boxTable(
    data.series.map((series, at) => ({ series, ...(found()[at] ?? { n: 0, median: null }) })),
  ),
]);

export function shareable() {
  on(["subject"], drawSubject);
}
