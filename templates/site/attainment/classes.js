// Classes of a subject, and groups over all subjects: their outcomes, what is beyond chance, who is in them
// (edition for staff).

import { data } from "./data.js";
import { $, el, fill, isThere, options, selectOf } from "./dom.js";
import { on, state } from "./state.js";
import { baseline, compare, isStandard, main, outcomeWords, rows } from "./comparing.js";
import { ALL } from "./counted.js";
import { counted, openEntries } from "./list.js";
import { classesOf, classSheet, figuresOf, packOf, print, tutorSheet } from "./sheets.js";
import { withInterval } from "./sheets.js";
import { table } from "./tables.js";
import { chance, count, OUTCOMES, sentences, SYMBOL } from "./words.js";

/** @import { Outcome } from "./page.d.ts" */

/** What classes are held against: a baseline, or else a target or a prediction; an exam is none. */
const standard = isStandard(main.base);

/** @type {number | null} the value whose sheet is shown */
let shown = null;

/** Which column's groups are shown. */
const by = () => Number(selectOf("classes-by").value);

/** @returns {[number, number[]][]} Each group and its rows. */
function groupsOf() {
  const { per, values, of } = data.groups[by()];
  if (per === "row") return classesOf(by(), state.subject);
  const all = [...rows.student.keys()];
  return [...values.keys()].map((value) => [
    value,
    all.filter((row) => of[rows.student[row]] === value),
  ]);
}

const sheetOf = (/** @type {number} */ value) =>
  data.groups[by()].per === "row"
    ? classSheet(by(), value, state.subject)
    : tutorSheet(by(), value);

function drawClasses() {
  if (state.tab !== "classes") return;
  const { name, per, values } = data.groups[by()];
  const subject = per === "row" ? data.subjects[state.subject] : ALL;
  const where = per === "row" ? subject : "All subjects";
  const found = groupsOf();
  if (!found.some(([value]) => value === shown)) shown = null;
  $("classes-title").textContent = `${where}, by ${name}`;
  /** @param {number} value */
  const figures = (value) => figuresOf(subject, name, values[value]);
  const rowsOf = new Map(found);
  /**
   * @param {number} value
   * @param {Outcome} outcome
   */
  const those = (value, outcome) =>
    (rowsOf.get(value) ?? []).filter((row) => compare(row, main).outcome === outcome);
  fill(
    $("classes-table"),
    found.length
      ? table(`${where}, by ${name}${baseline === null ? "" : "; 95 % intervals in brackets"}`, [
        {
          head: name,
          cell: (value) =>
            el("button", {
              type: "button",
              class: "name",
              "aria-pressed": String(shown === value),
              onclick: () => {
                shown = value;
                drawClasses();
              },
            }, values[value]),
          by: (value) => values[value],
        },
        {
          head: per === "row" ? "Students" : "Results",
          number: true,
          cell: (value) =>
            counted(rowsOf.get(value) ?? [], `${where}, ${name} ${values[value]}`, main),
          by: (value) => rowsOf.get(value)?.length,
        },
        ...(standard
          ? OUTCOMES.map((outcome) => ({
            head: `${SYMBOL[outcome]} ${outcomeWords(main)[outcome]}`,
            number: true,
            cell: (/** @type {number} */ value) =>
              counted(
                those(value, outcome),
                `${where}, ${name} ${values[value]}: ${outcome}`,
                main,
              ),
            by: (/** @type {number} */ value) => those(value, outcome).length,
          }))
          : []),
        ...(baseline === null ? [] : [
          {
            head: "Value added",
            number: true,
            cell: (/** @type {number} */ value) => {
              const row = figures(value);
              return row ? withInterval(row.mean, row.low, row.high) : "";
            },
            by: (/** @type {number} */ value) => figures(value)?.mean,
          },
          {
            head: "is it chance?",
            cell: (/** @type {number} */ value) => {
              const row = figures(value);
              return row ? chance(row.n, row.low, row.high) : "nobody to compare";
            },
          },
          ...(per === "row"
            ? [{
              head: "Against own other subjects",
              number: true,
              cell: (/** @type {number} */ value) => {
                const row = figures(value);
                return row ? withInterval(row.residual, row.residual_low, row.residual_high) : "";
              },
              by: (/** @type {number} */ value) => figures(value)?.residual,
            }, {
              head: "is that chance?",
              cell: (/** @type {number} */ value) => {
                const row = figures(value);
                return row ? chance(row.n_residual, row.residual_low, row.residual_high) : "";
              },
            }]
            : []),
        ]),
      ], found.map(([value]) => value))
      : el("p", {}, `No ${name} is told in ${where}.`),
  );
  $("classes-notes").textContent = sentences([
    !standard &&
    "Nobody can be compared: there is no baseline and no target. Put a baseline’s file beside the results (for one page: --baseline FILE), or a column of targets into them.",
    standard && baseline === null && `${main.label}: there is no baseline.`,
    found.length > 1 && baseline !== null &&
    `${
      count(found.length)
    } are compared: of intervals that are right 95 times of 100, about one in twenty misses 0 by chance alone.`,
    found.length > 1 && standard && per === "row" &&
    "Which students are in a class is no chance: sets differ.",
  ]);
  fill(
    $("class-sheet"),
    ...(shown === null
      ? [el("p", { class: "fine" }, `Choose one in the column ${name} for its sheet.`)]
      : [
        el(
          "p",
          { class: "tools" },
          el(
            "button",
            { type: "button", onclick: () => print([sheetOf(Number(shown))]) },
            "Print it",
          ),
          el(
            "button",
            { type: "button", onclick: () => print(packOf(by())) },
            `Print all ${count(found.length)}`,
          ),
          el("button", {
            type: "button",
            onclick: () =>
              openEntries(
                `${where}, ${name} ${values[Number(shown)]}`,
                rowsOf.get(Number(shown)) ?? [],
                {
                  comparison: main,
                },
              ),
          }, "As a list"),
        ),
        sheetOf(shown),
      ]),
  );
}

export function classes() {
  if (!isThere("classes")) return;
  // a class or a teacher before what is the same in all subjects
  const order = [...data.groups.keys()].sort((a, b) =>
    Number(data.groups[b].per === "row") - Number(data.groups[a].per === "row")
  );
  options(selectOf("classes-by"), order.map((at) => [at, data.groups[at].name]));
  selectOf("classes-by").addEventListener("change", () => {
    shown = null;
    drawClasses();
  });
  on(["subject", "tab"], drawClasses);
}
