// The list behind a number: one panel that names everybody who is counted, to sort, copy, save and print
// (edition for staff).

import { data } from "./data.js";
import { $, el, fill } from "./dom.js";
import {
  chosen,
  compare,
  gradeOf,
  received,
  referenceOf,
  rows,
  series,
  word,
} from "./comparing.js";
import { outcomeCell, valueOf, verdict } from "./comparing.js";
import { copied, csv, save, tabbed, xlsx } from "./export.js";
import { nameButton, pinBox } from "./names.js";
import { pin, unpin } from "./state.js";
import { table } from "./tables.js";
import { count, signed, students } from "./words.js";

/** @import { Comparison } from "./comparing.js" */
/** @import { Value } from "./export.js" */
/** @import { Column } from "./tables.js" */

/**
 * A column of a list: `cell` on the page, `value` in a file.
 * @template Row
 * @typedef {Column<Row> & { value: (row: Row) => Value }} Listed
 */
/**
 * @template Row
 * @typedef {object} List
 * @property {string} title
 * @property {string} [note]
 * @property {readonly Listed<Row>[]} columns
 * @property {string} [what] What its rows are.
 * @property {readonly Row[]} rows In the order in which they are shown first.
 */

/** @type {HTMLElement | null} */
let opener = null;

/**
 * @template Row
 * @param {List<Row>} list
 */
export function openList({ title, note = "", columns, rows: found, what = "" }) {
  opener = /** @type {HTMLElement | null} */ (document.activeElement);
  const grid = () => [
    columns.map((column) => column.head),
    ...found.map((row) => columns.map((column) => column.value(row))),
  ];
  const name = `${data.cohort} ${title}`.slice(0, 120);
  const said = el("span", { role: "status" });
  fill(
    $("list"),
    el(
      "header",
      {},
      el("h2", { id: "list-title", tabindex: -1 }, title),
      el("button", { type: "button", class: "close", onclick: closeList }, "Close"),
      note && el("p", { class: "fine" }, note),
      el(
        "p",
        { class: "tools" },
        button("Copy", async () => {
          said.textContent = await copied(tabbed(grid()))
            ? "Copied."
            : "This browser does not let a page copy; save it instead.";
        }),
        button("Excel", () => save(`${name}.xlsx`, xlsx(grid()))),
        button("CSV", () => save(`${name}.csv`, new Blob([csv(grid())], { type: "text/csv" }))),
        button("Print", () => {
          document.documentElement.classList.add("printing-list");
          globalThis.print();
        }),
        said,
      ),
    ),
    table(what || students(found.length), columns, found),
  );
  $("list").hidden = false;
  belowTheBar();
  $("list-title").focus();
}

/** A list leaves the bar and the tabs above it free; on a phone it has most of the screen at least. */
function belowTheBar() {
  if ($("list").hidden) return;
  const { bottom } = /** @type {Element} */ (document.querySelector(".bar"))
    .getBoundingClientRect();
  $("list").style.top = `${Math.min(Math.max(bottom, 0), innerHeight * 0.4)}px`;
}

/**
 * @param {string} text
 * @param {() => void} onclick
 */
const button = (text, onclick) => el("button", { type: "button", onclick }, text);

export function closeList() {
  if ($("list").hidden) return;
  $("list").hidden = true;
  opener?.focus();
}

/** @returns {Listed<number>} */
export const studentColumn = () => ({
  head: "Student",
  cell: (student) => el("span", { class: "who" }, pinBox(student), " ", nameButton(student)),
  by: (student) => data.students[student],
  value: (student) => data.students[student],
});

/**
 * The grade in every series.
 * @returns {Listed<number>[]}
 */
export const gradeColumns = () =>
  series.map((head, at) => ({
    head,
    number: true,
    cell: (row) => received(row, at),
    by: (row) => rows.points[at][row],
    value: (row) => figure(received(row, at)),
  }));

/**
 * The target or the prediction that results are held against.
 * @param {Comparison} comparison
 * @returns {Listed<number>[]}
 */
export function referenceColumns(comparison) {
  const reference = comparison.base === null ? undefined : referenceOf(comparison.base);
  if (!reference) return [];
  /** @param {number} row */
  const points = (row) => reference.of[row];
  /** @param {number} row */
  const grade = (row) => {
    const there = points(row);
    return there === null ? "–" : gradeOf(row, there);
  };
  return [{
    head: reference.name,
    number: true,
    cell: grade,
    by: points,
    value: (row) => figure(grade(row)),
  }];
}

/**
 * The result less what it is held against.
 * @param {Comparison} comparison
 * @returns {Listed<number>}
 */
export function differenceColumn(comparison = chosen()) {
  /** @param {number} row */
  const difference = (row) => compare(row, comparison).difference;
  return {
    head: "Difference",
    number: true,
    cell: (row) => {
      const off = difference(row);
      return off === null ? "" : signed(off);
    },
    by: difference,
    value: (row) => {
      const off = difference(row);
      return off === null ? null : Math.round(off * 1e6) / 1e6;
    },
  };
}

/**
 * A student in a subject, with every grade.
 * @param {readonly number[]} of rows
 * @param {Comparison} comparison
 * @returns {Listed<number>[]}
 */
export function entryColumns(of, comparison = chosen()) {
  const who = studentColumn();
  const several = new Set(of.map((row) => rows.subject[row])).size > 1;
  /** @param {number} row */
  const subject = (row) => data.subjects[rows.subject[row]];
  /** @param {number} row */
  const outcome = (row) => {
    const found = compare(row, comparison);
    return found.outcome === "none" ? verdict(row, found) : word(found);
  };
  const held = new Set(of.map((row) => rows.subject[row]));
  return [
    {
      head: who.head,
      cell: (row) => who.cell(rows.student[row]),
      by: (row) => data.students[rows.student[row]],
      value: (row) => data.students[rows.student[row]],
    },
    ...(several ? [{ head: "Subject", cell: subject, by: subject, value: subject }] : []),
    ...gradeColumns(),
    ...(comparison.base === null ? [] : [
      ...referenceColumns(comparison),
      differenceColumn(comparison),
      {
        head: comparison.label,
        cell: (/** @type {number} */ row) => outcomeCell(row, comparison),
        by: outcome,
        value: outcome,
      },
    ]),
    ...data.groups.flatMap((group, at) => {
      /** @param {number} row */
      const value = (row) => group.values[valueOf(at, row)];
      const there = group.per === "student" || of.some((row) => value(row) !== data.not_stated);
      return there && held.size ? [{ head: group.name, cell: value, by: value, value }] : [];
    }),
  ];
}

/**
 * A grade as it is written in a file: a number where it is one.
 * @param {string} text
 */
const figure = (text) => text === "–" ? null : /^\d+(\.\d+)?$/.test(text) ? Number(text) : text;

/**
 * Open the list of these students in their subjects.
 * @param {string} title
 * @param {readonly number[]} of rows
 * @param {{ comparison?: Comparison, note?: string }} options
 */
export const openEntries = (title, of, { comparison = chosen(), note = "" } = {}) =>
  openList({
    title,
    note,
    columns: entryColumns(of, comparison),
    rows: of,
    what: new Set(of.map((row) => rows.subject[row])).size > 1 ? `${count(of.length)} results` : "",
  });

/**
 * A number that leads to its names.
 * @param {string} text
 * @param {() => void} open
 * @param {string} look
 */
export const leading = (text, open, look = "") =>
  el("button", { type: "button", class: `number ${look}`.trim(), onclick: open }, text);

/**
 * A count of students in subjects, which leads to their names; a zero leads nowhere.
 * @param {readonly number[]} of rows
 * @param {string} title
 * @param {Comparison} comparison
 */
export const counted = (of, title, comparison = chosen()) =>
  of.length ? leading(count(of.length), () => openEntries(title, of, { comparison })) : "0";

export function list() {
  for (const event of ["scroll", "resize"]) globalThis.addEventListener(event, belowTheBar);
  // the answer to a name is on the page below
  $("list").addEventListener("click", (event) => {
    const target = /** @type {Element} */ (event.target);
    if (target.closest("button.name")) closeList();
  });
  $("list").addEventListener("change", (event) => {
    const box = /** @type {HTMLInputElement} */ (event.target);
    const student = box.getAttribute("data-pins");
    if (student === null) return;
    if (box.checked) pin(Number(student), true);
    else unpin(Number(student));
  });
  globalThis.addEventListener("afterprint", () => {
    document.documentElement.classList.remove("printing-list");
  });
}
