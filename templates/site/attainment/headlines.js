// Who has a grade 4, or 5, in both English and maths, and who misses it by what (edition for staff).

import { data } from "./data.js";
import { openList, studentColumn } from "./list.js";
import { sorted } from "./tables.js";
import { count, plain, students } from "./words.js";

const { english = [], maths = [] } = data.core ?? {};

/** @param {readonly (number | null)[]} of */
const best = (of, head = "") => ({
  head,
  number: true,
  cell: (/** @type {number} */ student) => {
    const points = of[student];
    return points === null ? "–" : points ? plain(points) : "U";
  },
  by: (/** @type {number} */ student) => of[student],
  value: (/** @type {number} */ student) => of[student],
});

/**
 * Of those with both: what is missing for these points in both.
 * @param {number} student
 * @param {number} least
 */
function missing(student, least) {
  const [e, m] = [english[student], maths[student]];
  if (e === null || m === null) {
    return `no result in ${
      [e === null && "English", m === null && "maths"].filter(Boolean).join(" and ")
    }`;
  }
  const short = [e < least && "English", m < least && "maths"].filter(Boolean);
  return short.length ? `${short.join(" and ")} below ${least}` : `has ${least} in both`;
}

/**
 * @param {number} least 4 or 5
 * @param {string} column a column of the export, or empty for everybody
 * @param {string} group
 */
function open(least, column, group) {
  const at = data.groups.findIndex(({ name }) => name === column);
  const { of, values } = data.groups[at] ?? { of: [], values: [] };
  const inside = [...data.students.keys()].filter((student) =>
    at < 0 || values[of[student]] === group
  );
  const both = inside.filter((student) => english[student] !== null && maths[student] !== null);
  const has = both.filter((student) =>
    Math.min(Number(english[student]), Number(maths[student])) >= least
  );
  /** @param {number} student */
  const why = (student) => missing(student, least);
  const whose = column ? `, ${column} ${group}` : "";
  openList({
    title: `9–${least} in English and maths${whose}`,
    note: `${count(has.length)} of ${students(both.length)} with a result in both have it; ${
      count(inside.length - both.length)
    } have no result in one of them. Those who are nearest to it come first.`,
    columns: [
      studentColumn(),
      best(english, "English (best)"),
      best(maths, "Maths"),
      { head: `9–${least}`, cell: why, by: why, value: why },
      ...data.groups.filter(({ per }) => per === "student").map(({ name, values, of }) => {
        const value = (/** @type {number} */ student) => values[of[student]];
        return { head: name, cell: value, by: value, value };
      }),
    ],
    rows: sorted(inside, (student) => lack(student, least), false),
  });
}

/**
 * How many points are missing in both together; those who miss none or have no result come last.
 * @param {number} student
 * @param {number} least
 */
function lack(student, least) {
  const [e, m] = [english[student], maths[student]];
  if (e === null || m === null) return null;
  return Math.max(0, least - e) + Math.max(0, least - m) || null;
}

export function headlines() {
  for (const button of document.querySelectorAll("[data-core]")) {
    button.addEventListener("click", () => {
      const [least, column, group] = ["data-core", "data-column", "data-group"].map((name) =>
        button.getAttribute(name) ?? ""
      );
      open(Number(least), column, group);
    });
  }
}
