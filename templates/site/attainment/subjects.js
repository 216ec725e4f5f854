// One student over all subjects.

import { data } from "./data.js";
import { $, el, fill } from "./dom.js";
import { change, on, state } from "./state.js";
import { baseline, byStudent, chosen, compare, gradeOf, labelOf, outcomeCell } from "./comparing.js";
import { outcomeWords, received, rounded, rows, series, verdict, word } from "./comparing.js";
import { roomFor, show } from "./pictures.js";
import { table, tableView } from "./tables.js";
import { listed, plain, sentences, signed, SYMBOL } from "./words.js";

/** @import { Found } from "./comparing.js" */

const LOWEST = -0.35;
const OUTCOMES = /** @type {const} */ (["exceeded", "met", "below"]);

/** @param {number} student */
const taken = (student) =>
  [...byStudent[student]].sort((a, b) => rows.subject[a] - rows.subject[b]);

function drawSubjects() {
  const student = state.pinned;
  $("subjects").classList.toggle("nobody", student === null);
  $("unpin").hidden = student === null;
  if (student === null) {
    fill($("subjects-title"), "Nobody pinned");
    $("subjects-verdict").textContent =
      "Click a dot, press Enter on it, or search for a student: all their subjects appear here.";
    $("subjects-notes").textContent = "";
    show("subjects", { subjects: [] }, { height: 1 });
    return;
  }
  fill($("subjects-title"), el("span", { class: "why" }, "Pinned: "), data.students[student]);
  const all = taken(student);
  const found = all.map((row) => compare(row));
  const words = outcomeWords();
  /** @param {string} outcome */
  const number = (outcome) => found.filter((one) => one.outcome === outcome).length;
  const counts = OUTCOMES.filter(number).map((outcome) =>
    `${SYMBOL[outcome]} ${number(outcome)} ${words[outcome]}`
  );
  const { base } = chosen();
  $("subjects-verdict").textContent = `${all.length} ${
    all.length === 1 ? "subject" : "subjects"
  }, ${labelOf(all)}${base === null ? "" : `: ${counts.join(", ") || "nothing to compare"}`}`;
  const brief = roomFor("subjects") < 420;
  show("subjects", {
    subjects: found.map((one, n) => ({
      subject: data.subjects[rows.subject[all[n]]],
      base: one.base,
      top: one.top,
      outcome: one.outcome,
      hollow: one.provisional || one.outcome === "none",
      text: text(one, all[n], brief),
      place: n,
      end: Math.max(one.base ?? LOWEST, one.top ?? LOWEST),
    })),
  }, { height: data.row_height * all.length });
  sayNotes(found);
  showTable();
}

/**
 * @param {Found} one
 * @param {number} row
 * @param {boolean} brief
 */
function text(one, row, brief) {
  if (one.outcome === "none") {
    return verdict(row, one).replace(" to compare with", "").replace(" to compare", "");
  }
  const off = plain(Math.abs(one.difference ?? 0));
  if (brief) return `${SYMBOL[one.outcome]} ${off}`;
  const above = chosen().base === baseline && one.outcome === "exceeded" ? "above" : word(one);
  const size = one.outcome === "met" ? word(one) : `${off} ${above}`;
  const expected = rounded(row, one) && baseline !== null
    ? ` expected (${series[baseline]} ${gradeOf(row, Number(rows.points[baseline][row]))})`
    : "";
  return `${SYMBOL[one.outcome]} ${size}${one.provisional ? " so far" : ""}${expected}`;
}

/** @param {readonly Found[]} found */
function sayNotes(found) {
  const { top, base } = chosen();
  const without = found.filter((one) => one.outcome === "none").length;
  const stands = found.filter((one) => one.provisional && one.outcome !== "none");
  const waiting = [...new Set(stands.map((one) => series[one.at]))];
  const rounds = data.rounding === "none"
    ? ""
    : `, rounded ${data.rounding === "down" ? "down" : "to the nearest grade"}`;
  const symbol = top !== "compared"
    ? series[top]
    : stands.length
    ? `${data.final_name}, hollow where ${listed(waiting)} stands in (provisional)`
    : data.final_name;
  $("subjects-notes").textContent = sentences([
    base !== null &&
    `Bar: ${series[base]}${
      base === baseline ? `${rounds}, a mean expectation and no target` : ""
    }. Symbol: ${symbol}.`,
    without && `${without} cannot be compared.`,
  ]);
}

const showTable = tableView("subjects-table", () => {
  const student = state.pinned;
  if (student === null) return [el("p", {}, "Nobody is drawn.")];
  const all = taken(student);
  return [table(`${data.students[student]}, all subjects`, [
    {
      head: "Subject",
      cell: (row) =>
        el("button", {
          type: "button",
          class: "name",
          onclick: () => change({ subject: rows.subject[row] }),
        }, data.subjects[rows.subject[row]]),
    },
    ...series.map((head, at) => ({
      head,
      number: true,
      cell: (/** @type {number} */ row) => received(row, at),
      by: (/** @type {number} */ row) => rows.points[at][row],
    })),
    {
      head: "Difference",
      number: true,
      cell: (row) => {
        const { difference } = compare(row);
        return difference === null ? "" : signed(difference);
      },
      by: (row) => compare(row).difference,
    },
    { head: labelOf(all), cell: outcomeCell },
  ], all)];
});

export function subjects() {
  on(["pinned", "comparison"], drawSubjects);
  $("unpin").addEventListener("click", () => change({ pinned: null }));
}
