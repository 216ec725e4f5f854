// What became of each baseline and of each mock grade, as a table of counts.

import { data } from "./data.js";
import { $, el, fill, isThere, options, selectOf } from "./dom.js";
import { compare, final, main, rows, rowsIn, series, wholeAt } from "./comparing.js";
import { ALL, EVERYBODY, whoIsIn } from "./counted.js";
import { leading, openEntries } from "./list.js";
import { scaleOf, wholeIn } from "./scales.js";
import { count, percent, sentences, students, sum } from "./words.js";

/** @import { Matrix, MatrixTable } from "./page.d.ts" */

const SHADES = 6;

/**
 * Rows of a cell, or of a whole row: whole grades, as the table has them.
 * @param {Matrix} one
 * @param {MatrixTable} found
 * @param {number} from
 * @param {number | null} to
 */
function openCell(one, found, from, to) {
  const at = series.indexOf(one.series ?? "");
  /** @param {number} row */
  const ends = (row) => {
    if (at >= 0) return [wholeAt(at, row), wholeAt(final, row)];
    const found = compare(row, main);
    const { base, against } = found;
    if (base === null || against === null) return [null, null];
    // a baseline that is rounded before comparing has no grade of its own
    const own = rows.points[against]?.[row] === base ? wholeAt(against, row) : Math.floor(base);
    return [own, wholeAt(found.at, row)];
  };
  const [column, ...group] = found.of.split(": ");
  const of = rowsIn(found.subject, column, group.join(": ")).filter((row) => {
    const [base, top] = ends(row);
    return base === from && top !== null && (to === null || top === to);
  });
  const where = found.subject === ALL ? "all subjects" : found.subject;
  const whose = found.of === EVERYBODY ? "" : `, ${found.of}`;
  openEntries(
    `${where}${whose}: ${one.rows} ${wholeIn(found.subject, from)}${
      to === null ? "" : ` to ${found.columns} ${wholeIn(found.subject, to)}`
    }`,
    of,
    {
      comparison: at < 0
        ? main
        : { top: final, base: at, label: `${series[final]} against ${series[at]}` },
    },
  );
}

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
  const staff = data.edition === "staff";
  /**
   * @param {number} from
   * @param {number} to
   */
  const cell = (from, to) => {
    const [n, of] = [at.get(`${from} ${to}`), total.get(from)];
    if (n === null) return el("td", { class: "figure hidden", title: "too few to show" }, "•");
    const shade = n && of ? Math.min(SHADES, 1 + Math.floor((n / of) * SHADES)) : 0;
    return el(
      "td",
      { class: `figure heat${shade}` },
      n && (staff ? leading(count(n), () => openCell(one, found, from, to)) : count(n)),
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
          ...columns.map((column) =>
            el("th", { scope: "col", class: "figure" }, wholeIn(found.subject, column))
          ),
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
            ...columns.map((column) => cell(row, column)),
            el(
              "td",
              { class: "figure" },
              of === null || of === undefined
                ? "•"
                : staff
                ? leading(count(of), () => openCell(one, found, row, null))
                : count(of),
            ),
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
  // on several scales a grade of all subjects is one of the commonest
  const mixed = subject === ALL && new Set(data.scale_of).size > 1;
  const whole = of === EVERYBODY ? "" : " of everybody";
  fill(
    $("matrix-notes"),
    sentences([
      `Per cent of the row: of those with a ${one.rows} of a grade, how many got which ${found.columns}.`,
      scaleOf(subject) === "gcse" && "4 is from 4 to under 5.",
      mixed &&
      `Only grades of ${data.scales[data.commonest].title}: the others stand on another scale.`,
      found.cells.some(([, , number]) => number === null) &&
      `•: fewer than ${data.fewest}, or a number from which such a cell would follow.`,
    ]),
    " ",
    ...mixed ? [] : whoIsIn(one.figure, subject, {
      of: one.series,
      inIt: `In it${whole}`,
      out: `Left out${whole}`,
    }),
  );
}

/** A class is one of its subject: only groups that the subject has are offered. */
function offerGroups() {
  const [subject, before] = [selectOf("matrix-subject").value, selectOf("matrix-group").value];
  const { tables } = data.matrices[Number(selectOf("matrix-kind").value)];
  const classes = (data.groups ?? []).filter(({ per }) => per === "row").map(({ name }) => name);
  const of = tables.filter((one) => one.subject === subject).map((one) => one.of).filter((name) =>
    subject !== ALL || !classes.some((column) => name.startsWith(`${column}: `))
  );
  options(selectOf("matrix-group"), of.map((name) => [name, name]));
  if (of.includes(before)) selectOf("matrix-group").value = before;
}

export function matrices() {
  if (!isThere("matrix")) return;
  const tables = data.matrices.flatMap((one) => one.tables);
  const known = new Set(tables.map(({ subject }) => subject));
  options(selectOf("matrix-kind"), data.matrices.map((one, at) => [at, one.title]));
  options(
    selectOf("matrix-subject"),
    [ALL, ...data.subjects].filter((name) => known.has(name)).map((name) => [
      name,
      name === ALL ? "all subjects" : name,
    ]),
  );
  for (const id of ["matrix-kind", "matrix-subject", "matrix-group"]) {
    $(id).addEventListener("change", () => {
      if (id !== "matrix-group") offerGroups();
      drawMatrix();
    });
  }
  offerGroups();
  drawMatrix();
}
