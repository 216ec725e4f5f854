// How many may reach a grade in subjects whose final is not sat, and what a student's mock may become
// (edition for staff).

import { data } from "./data.js";
import { $, el, fill, isThere, options, selectOf } from "./dom.js";
import { byStudent, rows, series, wholeAt } from "./comparing.js";
import { show } from "./pictures.js";
import { on, pinned } from "./state.js";
import { ALL } from "./counted.js";
import { wholeIn } from "./scales.js";
import { table, tableView } from "./tables.js";
import { count } from "./words.js";

/** @import { ForecastRow } from "./page.d.ts" */

const LEAST = 0.005; // a probability that is written

/** @returns {ForecastRow[]} */
const shown = () => {
  const grade = Number(selectOf("forecast-grade").value);
  return (data.forecast?.rows ?? []).filter(({ threshold }) => threshold === grade);
};

const showTable = tableView("forecast-table", () => [
  table($("forecast-title").textContent ?? "", [
    { head: "Subject", cell: ({ subject }) => subject, by: ({ subject }) => subject },
    { head: "By", cell: (row) => row.series },
    { head: "Students", number: true, cell: ({ n }) => count(n), by: ({ n }) => n },
    {
      head: "Four times in five",
      number: true,
      cell: ({ low80, high80 }) => `${low80} to ${high80}`,
      by: ({ share }) => share,
    },
    { head: "19 times in 20", number: true, cell: ({ low95, high95 }) => `${low95} to ${high95}` },
    {
      head: "Earlier students with both",
      number: true,
      cell: (row) => row.from_n ? count(row.from_n) : "none: by other subjects",
      by: (row) => row.from_n,
    },
  ], shown()),
]);

export function drawForecast() {
  if (!isThere("forecast")) return;
  const found = shown();
  const grade = selectOf("forecast-grade").value;
  $("forecast-title").textContent =
    `How many of each subject may get ${grade} or better in the ${data.final_name}`;
  show("forecast", {
    forecast: found.map(({ subject, n, share, low80, high80, low95, high95 }) => ({
      row: subject,
      share,
      low80: low80 / n,
      high80: high80 / n,
      low95: low95 / n,
      high95: high95 / n,
      text: `${low80}–${high80} of ${n}`,
    })),
  }, { height: Math.max(1, found.length) * data.row_height });
  showTable();
}

/** @typedef {{ subject: number, series: string, mock: number, shares: number[] }} MayBe */

/**
 * What the student's newest mocks may become; whole grades of a mock are in the data.
 * @param {number} student
 * @returns {MayBe[]}
 */
function mayBe(student) {
  return byStudent[student].flatMap((row) => {
    const known = data.forecast?.grades[rows.subject[row]];
    const at = known ? series.indexOf(known.series) : -1;
    const mock = at < 0 ? null : wholeAt(at, row);
    if (!known || mock === null) return [];
    const shares = known.of[mock];
    return shares ? [{ subject: rows.subject[row], series: known.series, mock, shares }] : [];
  });
}

/** A strip of probabilities for each subject of who is pinned. */
function drawMayBe() {
  const student = pinned();
  // the strips share their columns, which are grades of one scale
  const found = student === null
    ? []
    : mayBe(student).filter(({ subject }) => data.scale_of[subject] === data.commonest);
  const grades = [...Array(10).keys()].reverse().filter((grade) =>
    found.some(({ shares }) => shares[grade] >= LEAST)
  );
  if (!found.length) {
    fill($("may-be"));
    return;
  }
  const mock = found[0].series;
  const caption = `What ${mock} may become in the ${data.final_name}, in per cent`;
  fill(
    $("may-be"),
    el(
      "div",
      { class: "scroll", tabindex: 0, role: "region", "aria-label": caption },
      el(
        "table",
        { class: "matrix strip" },
        el("caption", {}, caption),
        el(
          "thead",
          {},
          el(
            "tr",
            {},
            ...["Subject", mock, ...grades.map(named)].map((head) =>
              el("th", { scope: "col" }, head)
            ),
          ),
        ),
        el("tbody", {}, ...found.map((one) => strip(one, grades, mock))),
      ),
    ),
    el("p", { class: "fine" }, data.forecast?.said ?? ""),
  );
}

/** @param {number} grade */
const named = (grade) => wholeIn(ALL, grade);

/**
 * @param {MayBe} one
 * @param {readonly number[]} grades
 * @param {string} usual The mock of most.
 */
const strip = ({ subject, series: mock, mock: grade, shares }, grades, usual) =>
  el(
    "tr",
    {},
    el("th", { scope: "row" }, data.subjects[subject]),
    el("td", {}, mock === usual ? named(grade) : `${named(grade)} (${mock})`),
    ...grades.map((final) => {
      const share = shares[final];
      const level = share >= LEAST ? Math.min(6, 1 + Math.floor(share * 8)) : 0;
      return el("td", { class: `heat${level}` }, share >= LEAST && String(Math.round(100 * share)));
    }),
  );

export function forecast() {
  if (!data.forecast) return;
  on(["pinned"], drawMayBe);
  if (!isThere("forecast")) return;
  const grades = [...new Set(data.forecast.rows.map(({ threshold }) => threshold))];
  options(selectOf("forecast-grade"), grades.map((grade) => [grade, `${grade} or better`]));
  $("forecast-grade").addEventListener("change", drawForecast);
}
