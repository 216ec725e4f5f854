// The list over all subjects: a row for each student who is lower in any, which names the subjects (edition
// for staff).

import { data } from "./data.js";
import { el } from "./dom.js";
import { compare, rows } from "./comparing.js";
import { openList, studentColumn } from "./list.js";
import { sorted } from "./tables.js";
import { count, plain, sum } from "./words.js";

/** @import { Comparison } from "./comparing.js" */
/** @import { Listed } from "./list.js" */
/** @typedef {{ row: number, by: number }} Lower */
/** @typedef {{ student: number, below: Lower[], compared: number }} Person */

/**
 * In which of these rows a student is lower, by how much, and of how many.
 * @param {number} student
 * @param {readonly number[]} of rows of the student
 * @param {(row: number) => Comparison} comparison
 * @returns {Person}
 */
export function fellIn(student, of, comparison) {
  const found = of.map((row) => ({ row, ...compare(row, comparison(row)) })).filter((one) =>
    one.difference !== null
  );
  const below = found.filter(({ outcome }) => outcome === "below").map(({ row, difference }) => ({
    row,
    by: -Number(difference),
  }));
  return { student, below: sorted(below, ({ by }) => by, true), compared: found.length };
}

/** @param {Person} person */
const total = ({ below }) => sum(below.map(({ by }) => by));

/** @param {Person} person */
const named = ({ below }) =>
  below.map(({ row, by }) => `${data.subjects[rows.subject[row]]} −${plain(by)}`).join(", ");

/**
 * @param {string} head
 * @param {(person: Person) => number} value
 * @returns {Listed<Person>}
 */
const number = (head, value) => ({
  head,
  number: true,
  cell: (person) => plain(value(person)),
  by: value,
  value: (person) => Math.round(value(person) * 1e6) / 1e6,
});

/**
 * @param {string} title
 * @param {readonly Person[]} people
 */
export function openPeople(title, people) {
  const who = studentColumn();
  const often = sorted(people, total, true);
  openList({
    title,
    note:
      "In most subjects first. A subject counts in which both grades are there, each with what is missing.",
    columns: [
      {
        head: who.head,
        cell: ({ student }) => who.cell(student),
        by: ({ student }) => data.students[student],
        value: ({ student }) => data.students[student],
      },
      number("Lower in", ({ below }) => below.length),
      number("of subjects", ({ compared }) => compared),
      number("Grades in all", total),
      {
        head: "Which",
        cell: (person) => el("span", { class: "several" }, named(person)),
        by: named,
        value: named,
      },
      ...data.groups.filter(({ per }) => per === "student").map(({ name, values, of }) => {
        const value = (/** @type {Person} */ { student }) => values[of[student]];
        return { head: name, cell: value, by: value, value };
      }),
    ],
    rows: sorted(often, ({ below }) => below.length, true),
    what: `${count(people.length)} students, each once`,
  });
}
