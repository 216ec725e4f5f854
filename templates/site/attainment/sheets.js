// Sheets for the printer: of a class, a student, a subject, a tutor's group; one, or all of a kind. A
// student's sheet names nobody else, so that it can be handed on (edition for staff).

import { data } from "./data.js";
import { $, el, fill } from "./dom.js";
import { state } from "./state.js";
import {
  baseline,
  byStudent,
  bySubject,
  compare,
  main,
  outcomeCell,
  outcomeWords,
} from "./comparing.js";
import { rows, scope, series, valueOf } from "./comparing.js";
import { ALL } from "./counted.js";
import { differenceColumn, gradeColumns, referenceColumns } from "./list.js";
import { menu } from "./menu.js";
import { sorted } from "./tables.js";
import { chance, count, OUTCOMES, plain, signed, students, SYMBOL } from "./words.js";

/** @import { Child } from "./dom.js" */
/** @import { Mean } from "./page.d.ts" */

/**
 * @param {number | null} value
 * @param {number | null} low
 * @param {number | null} high
 */
export const withInterval = (value, low, high) =>
  value === null
    ? "–"
    : low === null || high === null
    ? signed(value)
    : `${signed(value)} (${signed(low)} to ${signed(high)})`;

/**
 * The figures of a group; of a class in its subject, else over all subjects.
 * @param {string} subject
 * @param {string} column
 * @param {string} group
 * @returns {Mean | undefined}
 */
export const figuresOf = (subject, column, group) =>
  data.means.find((row) => row.subject === subject && row.column === column && row.group === group);

/** @param {Mean | undefined} row */
export function sentencesOf(row) {
  if (baseline === null) return []; // counts against a target are said without it
  if (!row || row.mean === null) return ["Nobody to compare."];
  const residual = row.residual === null ? [] : [
    `Against the same students’ other subjects ${
      withInterval(row.residual, row.residual_low, row.residual_high)
    }: ${chance(row.n_residual, row.residual_low, row.residual_high)}.`,
  ];
  return [
    `Value added ${withInterval(row.mean, row.low, row.high)} of ${students(row.n ?? 0)}: ${
      chance(row.n, row.low, row.high)
    }.`,
    ...residual,
  ];
}

/**
 * @param {string} title
 * @param {...Child} parts
 */
const sheet = (title, ...parts) =>
  el(
    "article",
    { class: "sheet" },
    el("h2", {}, title),
    el("p", { class: "fine" }, `${data.cohort} · ${main.label}`),
    ...parts,
  );

/**
 * @param {string} caption
 * @param {readonly { head: string, number?: boolean, cell: (row: number) => Child }[]} columns
 * @param {readonly number[]} of
 */
const printed = (caption, columns, of) =>
  el(
    "table",
    {},
    el("caption", {}, caption),
    el(
      "thead",
      {},
      el(
        "tr",
        {},
        ...columns.map(({ head, number }) =>
          el("th", { scope: "col", class: number && "figure" }, head)
        ),
      ),
    ),
    el(
      "tbody",
      {},
      ...of.map((row) =>
        el(
          "tr",
          {},
          ...columns.map(({ cell, number }, at) =>
            el(at ? "td" : "th", { scope: at ? null : "row", class: number && "figure" }, cell(row))
          ),
        )
      ),
    ),
  );

const GRADES = [
  ...gradeColumns(),
  ...(main.base === null ? [] : [
    ...referenceColumns(main),
    differenceColumn(main),
    { head: "", cell: (/** @type {number} */ row) => outcomeCell(row, main) },
  ]),
];

/** @param {readonly number[]} of rows */
function outcomes(of) {
  if (main.base === null) return "";
  const found = of.map((row) => compare(row, main));
  const parts = OUTCOMES.map((outcome) => {
    const n = found.filter((one) => one.outcome === outcome);
    return `${SYMBOL[outcome]} ${count(n.length)} ${outcomeWords(main)[outcome]}`;
  });
  const not = found.filter((one) => one.outcome === "none").length;
  return not === found.length
    ? `${main.label}: nobody can be compared.`
    : [...parts, not && `${not} not compared`].filter(Boolean).join(", ");
}

/** @param {readonly number[]} of rows */
const byName = (of) => sorted(of, (row) => rows.student[row], false);

/**
 * @param {string} title
 * @param {readonly number[]} of rows
 * @param {readonly string[]} said
 */
const entrySheet = (title, of, said) =>
  sheet(
    `${title}: ${students(of.length)}`,
    el("p", {}, outcomes(of)),
    ...said.map((sentence) => el("p", {}, sentence)),
    printed(title, [
      { head: "Student", cell: (row) => data.students[rows.student[row]] },
      ...GRADES,
    ], byName(of)),
  );

/**
 * The classes of a subject: each value that there is, and its rows.
 * @param {number} group
 * @param {number} subject
 */
export function classesOf(group, subject) {
  /** @type {Map<number, number[]>} */
  const found = new Map();
  for (const row of bySubject[subject]) {
    const value = valueOf(group, row);
    found.set(value, [...(found.get(value) ?? []), row]);
  }
  const { values } = data.groups[group];
  const there = [...found].filter(([value]) => values[value] !== data.not_stated);
  return there.length ? [...found].sort(([a], [b]) => a - b) : [];
}

/**
 * @param {number} group
 * @param {number} value
 * @param {number} subject
 */
export function classSheet(group, value, subject) {
  const { name, values } = data.groups[group];
  const of = classesOf(group, subject).find(([each]) => each === value)?.[1] ?? [];
  const row = figuresOf(data.subjects[subject], name, values[value]);
  return entrySheet(`${data.subjects[subject]}, ${name} ${values[value]}`, of, sentencesOf(row));
}

/** @param {number} subject */
function subjectSheet(subject) {
  const row = figuresOf(data.subjects[subject], ALL, ALL);
  return entrySheet(data.subjects[subject], bySubject[subject], sentencesOf(row));
}

/** @param {number} student */
function studentSheet(student) {
  const all = sorted(byStudent[student], (row) => rows.subject[row], false);
  return sheet(
    data.students[student],
    el("p", {}, outcomes(all)),
    printed(`${all.length} subjects`, [
      { head: "Subject", cell: (row) => data.subjects[rows.subject[row]] },
      ...GRADES,
    ], all),
    baseline !== null && main.base === baseline &&
      el(
        "p",
        { class: "fine" },
        `${
          series[baseline]
        } is what students who started alike get on average. About half get less. It is no target.`,
      ),
  );
}

/**
 * A tutor's view: each student over all subjects.
 * @param {number} group a column that is the same in all subjects
 * @param {number} value
 */
export function tutorSheet(group, value) {
  const { name, values, of } = data.groups[group];
  const inside = [...data.students.keys()].filter((student) => of[student] === value);
  /** @param {number} student */
  const found = (student) =>
    byStudent[student].map((row) => ({ row, ...compare(row, main) })).filter((one) =>
      one.difference !== null
    );
  const figures = new Map(inside.map((student) => [student, found(student)]));
  /** @param {number} student */
  const mean = (student) => {
    const all = figures.get(student) ?? [];
    return all.length
      ? signed(all.reduce((sum, one) => sum + Number(one.difference), 0) / all.length)
      : "";
  };
  /** @param {number} student */
  const lowest = (student) =>
    sorted(figures.get(student) ?? [], (one) => one.difference, false).filter((one) =>
      one.outcome === "below"
    ).slice(0, 3).map((one) =>
      `${data.subjects[rows.subject[one.row]]} −${plain(Math.abs(Number(one.difference)))}`
    ).join(", ");
  return sheet(
    `${name} ${values[value]}: ${students(inside.length)}`,
    ...sentencesOf(figuresOf(ALL, name, values[value])).map((sentence) => el("p", {}, sentence)),
    printed(`${name} ${values[value]}`, [
      { head: "Student", cell: (student) => data.students[student] },
      { head: "Subjects", number: true, cell: (student) => count(byStudent[student].length) },
      ...(main.base === null ? [] : [
        ...OUTCOMES.map((outcome) => ({
          head: `${SYMBOL[outcome]} ${outcomeWords(main)[outcome]}`,
          number: true,
          cell: (/** @type {number} */ student) =>
            count((figures.get(student) ?? []).filter((one) => one.outcome === outcome).length),
        })),
        { head: "Mean difference", number: true, cell: mean },
        { head: "Furthest below", cell: lowest },
      ]),
    ], inside),
  );
}

/** @param {readonly HTMLElement[]} pack */
export function print(pack) {
  fill($("sheets"), ...pack);
  document.documentElement.classList.add("printing-sheets");
  globalThis.print();
}

/**
 * A sheet of each value of a column: of a class in the subject that is chosen, else over all subjects.
 * @param {number} group
 */
export const packOf = (group) =>
  data.groups[group].per === "row"
    ? classesOf(group, state.subject).map(([value]) => classSheet(group, value, state.subject))
    : [...data.groups[group].values.keys()].map((value) => tutorSheet(group, value));

/**
 * @param {string} text
 * @param {number} n
 * @param {() => readonly HTMLElement[]} pack
 */
const item = (text, n, pack) => ({
  text,
  figure: `${count(n)} ${n === 1 ? "sheet" : "sheets"}`,
  take: () => print(pack()),
});

function offers() {
  const { subject, pinned } = state;
  const shown = [...new Set(scope().inside.map((row) => rows.student[row]))].sort((a, b) => a - b);
  const name = data.subjects[subject];
  return [
    { head: "This page", items: [{ text: "as it is", take: () => globalThis.print() }] },
    {
      head: "Classes and groups",
      items: data.groups.flatMap((group, at) => {
        const n = group.per === "row" ? classesOf(at, subject).length : group.values.length;
        const what = group.per === "row"
          ? `${name}, each ${group.name}`
          : `each ${group.name}, all subjects`;
        return n ? [item(what, n, () => packOf(at))] : [];
      }),
    },
    {
      head: "Students, all subjects",
      items: [
        ...(pinned.length
          ? [item("those who are pinned", pinned.length, () => pinned.map(studentSheet))]
          : []),
        item(`those who are shown in ${name}`, shown.length, () => shown.map(studentSheet)),
        item("everybody", data.students.length, () => [...data.students.keys()].map(studentSheet)),
      ],
    },
    {
      head: "Subjects",
      items: [
        item(name, 1, () => [subjectSheet(subject)]),
        item(
          "all subjects",
          data.subjects.length,
          () => [...data.subjects.keys()].map(subjectSheet),
        ),
      ],
    },
  ];
}

export function sheets() {
  menu("printing", offers);
  globalThis.addEventListener("afterprint", () => {
    document.documentElement.classList.remove("printing-sheets");
    fill($("sheets"));
  });
}
