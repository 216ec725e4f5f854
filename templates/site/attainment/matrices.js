// What became of each baseline and of each mock grade, as a table of counts.

import { data } from "./data.js";
import { $, el, fill, isThere, options, selectOf } from "./dom.js";
import { ALL, EVERYBODY, whoIsIn } from "./counted.js";
import { wholeIn } from "./scales.js";
import { count, percent, sentences, students, sum } from "./words.js";

/** @import { Matrix, MatrixTable } from "./page.d.ts" */

const SHADES = 6;

/**
 * @param {Matrix} one
 * @param {MatrixTable} found
 * @param {string} title
 */
function matrix(one, found, title) {
  const rows = [...new Set(found.cells.map(([row]) => row))].sort((a, b) => b - a);
  const columns = [...new Set(found.cells.map(([, column]) => column))].sort((a, b) => a - b);
  const at = new Map(found.cells.map(([row, column, n]) => [`${row} ${column}`, n]));
  const total = new Map(found.totals);
  /**
   * @param {number | null | undefined} n
   * @param {number | null | undefined} of
   */
  const cell = (n, of) => {
    if (n === null) return el("td", { class: "figure hidden", title: "too few to show" }, "•");
    const shade = n && of ? Math.min(SHADES, 1 + Math.floor((n / of) * SHADES)) : 0;
    return el(
      "td",
      { class: `figure heat${shade}` },
      n ? count(n) : "",
      n && of && el("small", {}, ` ${percent(n / of)}`),
    );
  };
  return el(
    "div",
    { class: "scroll", tabindex: 0, role: "region", "aria-label": title },
    el(
      "table",
      { class: "matrix" },
      el("caption", {}, title),
      el(
        "thead",
        {},
        el(
          "tr",
          {},
          el("th", { scope: "col" }, `${one.rows} ↓  ${found.columns} →`),
          ...columns.map((column) => el("th", { scope: "col", class: "figure" }, wholeIn(found.subject, column))),
          el(
            "th",
            { scope: "col", class: "figure" },
            found.subject === ALL ? "results" : "students",
          ),
        ),
      ),
      el(
        "tbody",
        {},
        ...rows.map((row) => {
          const of = total.get(row);
          return el(
            "tr",
            {},
            el("th", { scope: "row" }, wholeIn(found.subject, row)),
            ...columns.map((column) => cell(at.get(`${row} ${column}`), of)),
            el("td", { class: "figure" }, of === null || of === undefined ? "•" : count(of)),
          );
        }),
      ),
    ),
  );
}

export function drawMatrix() {
  if (!isThere("matrix")) return;
  const subject = selectOf("matrix-subject").value;
  const one = data.matrices[Number(selectOf("matrix-kind").value)];
  const of = selectOf("matrix-group").value;
  const found = one.tables.find((each) => each.subject === subject && each.of === of);
  if (!found) {
    fill($("matrix"), el("p", {}, "Nothing to show."));
    $("matrix-notes").textContent = "";
    return;
  }
  const all = sum(found.totals.map(([, n]) => n ?? 0));
  const n = data.edition === "shareable"
    ? ""
    : `: ${subject === ALL ? `${count(all)} results` : students(all)}`;
  const whose = of === EVERYBODY ? "" : `, ${of}`;
  const where = subject === ALL ? "all subjects together" : subject;
  fill(
    $("matrix"),
    matrix(one, found, `${one.rows} to ${found.columns}, ${where}${whose}${n}`),
  );
  $("matrix-notes").textContent = sentences([
    `Per cent of the row: of those with a ${one.rows} of a grade, how many got which ${found.columns}. 4 is from 4 to under 5.`,
    ...whoIsIn(one.figure, subject, one.series).map((part) =>
      of === EVERYBODY ? part : part.replace(/^In it/, "In it of everybody").replace(
        /^Left out/,
        "Left out of everybody",
      )
    ),
    found.cells.some(([, , number]) => number === null) &&
    `•: fewer than ${data.fewest}, or a number from which such a cell would follow.`,
  ]);
}

export function matrices() {
  if (!isThere("matrix")) return;
  const tables = data.matrices.flatMap((one) => one.tables);
  options(selectOf("matrix-kind"), data.matrices.map((one, at) => [at, one.title]));
  options(
    selectOf("matrix-subject"),
    [...new Set(tables.map(({ subject }) => subject))].map((
      name,
    ) => [name, name === ALL ? "all subjects" : name]),
  );
  options(
    selectOf("matrix-group"),
    [...new Set(tables.map(({ of }) => of))].map((name) => [name, name]),
  );
  for (const id of ["matrix-kind", "matrix-subject", "matrix-group"]) {
    $(id).addEventListener("change", drawMatrix);
  }
}
