// One student over all subjects.

import { data } from "./data.js";
import { $, el, fill } from "./dom.js";
import { change, choose, letGo, on, pin, pinned, state, unpin } from "./state.js";
import {
  baseline,
  byStudent,
  chosen,
  compare,
  gradeOf,
  held,
  isStandard,
  labelOf,
  outcomeCell,
} from "./comparing.js";
import { outcomeWords, rounded, rowOf, rows, series, verdict, word } from "./comparing.js";
import { differenceColumn, gradeColumns } from "./list.js";
import { NAMES, NAMES_SHARE, roomFor, show, slotOf } from "./pictures.js";
import { axisOf } from "./scales.js";
import { table, tableView } from "./tables.js";
import { listed, plain, sentences, signed, SYMBOL } from "./words.js";

/** @import { Found } from "./comparing.js" */

const LOWEST = -0.35;
const ROOM = 3.6; // points for words beyond the highest grade
const LETTER = 6; // pixels
const OUTCOMES = /** @type {const} */ (["exceeded", "met", "below"]);

/** @param {number} student */
const taken = (student) =>
  [...byStudent[student]].sort((a, b) => rows.subject[a] - rows.subject[b]);

/** @param {number} row */
const scaleOf = (row) => data.scale_of[rows.subject[row]];

/** @param {number} row */
const resultOf = (row) => {
  const { top } = compare(row);
  return top === null ? "" : gradeOf(row, top);
};

/**
 * The scale that most have.
 * @param {readonly number[]} of rows
 */
function commonest(of) {
  /** @type {Map<string, number>} */
  const found = new Map();
  for (const row of of) found.set(scaleOf(row), (found.get(scaleOf(row)) ?? 0) + 1);
  return [...found].sort(([, a], [, b]) => b - a)[0]?.[0] ?? data.commonest;
}

function drawSubjects() {
  const student = pinned();
  $("subjects").classList.toggle("nobody", student === null);
  $("subjects").classList.toggle("several", state.pinned.length > 1);
  drawPinned();
  if (student === null) {
    fill($("subjects-title"), "Nobody pinned");
    $("subjects-verdict").textContent =
      "Click a dot, press Enter on it, or search for a student: all their subjects appear here.";
    $("subjects-notes").textContent = "";
    fill($("other-scales"));
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
  // grades of another scale have no place on this axis
  const scale = commonest(all);
  const drawn = found.map((one, n) => ({ one, row: all[n] })).filter(({ row }) =>
    scaleOf(row) === scale
  );
  show("subjects", {
    subjects: drawn.map(({ one, row }, place) => ({
      subject: data.subjects[rows.subject[row]],
      base: one.base,
      top: one.top,
      outcome: one.outcome,
      hollow: one.provisional || one.outcome === "none",
      text: text(one, row, roomAt(endOf(one), scale)),
      place,
      end: endOf(one),
    })),
  }, { height: data.row_height * drawn.length, ...axisOf(scale) });
  sayNotes(found);
  fill(
    $("other-scales"),
    ...all.filter((row) => scaleOf(row) !== scale).map((row) =>
      el(
        "li",
        {},
        `${data.subjects[rows.subject[row]]} (${data.scales[scaleOf(row)].title}): `,
        el("b", {}, resultOf(row)),
        ` ${verdict(row)}`,
      )
    ),
  );
  showTable();
}

/** Everybody who is pinned, to look at or to let go; several beside each other, subject by subject. */
function drawPinned() {
  const several = state.pinned.length > 1;
  fill(
    $("pinned"),
    ...(several
      ? state.pinned.map((student) =>
        el(
          "span",
          { class: "chip" },
          el(
            "button",
            { type: "button", class: "name", onclick: () => pin(student, true) },
            data.students[student],
          ),
          el("button", {
            type: "button",
            class: "drop",
            "aria-label": `Let go of ${data.students[student]}`,
            onclick: () => unpin(student),
          }, "×"),
        )
      )
      : []),
  );
  const all = [
    ...new Set(
      state.pinned.flatMap((student) => byStudent[student]).map((row) => rows.subject[row]),
    ),
  ]
    .sort((a, b) => a - b);
  fill(
    $("beside"),
    several && table(
      "Those who are pinned, beside each other",
      [
        { head: "Subject", cell: (at) => data.subjects[at] },
        ...state.pinned.map((student) => ({
          head: data.students[student],
          cell: (/** @type {number} */ at) => {
            const row = rowOf(student, at);
            if (row === undefined) return "";
            const found = compare(row);
            return el(
              "span",
              { class: `outcome ${found.outcome}` },
              found.top === null ? "–" : gradeOf(Number(row), found.top),
              found.difference === null
                ? ""
                : ` ${SYMBOL[found.outcome]} ${signed(found.difference)}`,
            );
          },
          by: (/** @type {number} */ at) => {
            const row = rowOf(student, at);
            return row === undefined ? null : compare(row).difference;
          },
        })),
      ],
      all,
    ),
  );
}

/** @param {Found} one */
const endOf = (one) => Math.max(one.base ?? LOWEST, one.top ?? LOWEST);

/**
 * Pixels for words that begin at this grade.
 * @param {number} end
 * @param {string} scale
 */
function roomAt(end, scale) {
  const highest = data.scales[scale].top + ROOM;
  const width = roomFor("subjects");
  const plot = width - Math.min(NAMES, width * NAMES_SHARE) - 8;
  return plot * (highest - end) / (highest - LOWEST) - 12;
}

/**
 * @param {Found} one
 * @param {number} row
 * @param {number} room
 */
function text(one, row, room) {
  if (one.outcome === "none") {
    return verdict(row, one).replace(" to compare with", "").replace(" to compare", "");
  }
  const off = plain(Math.abs(one.difference ?? 0));
  const above = isStandard(chosen().base) && one.outcome === "exceeded" ? "above" : word(one);
  const size = one.outcome === "met" ? word(one) : `${off} ${above}`;
  const expected = rounded(row, one) && baseline !== null
    ? ` expected (${series[baseline]} ${gradeOf(row, Number(rows.points[baseline][row]))})`
    : "";
  const words = `${SYMBOL[one.outcome]} ${size}`;
  const all = `${words}${one.provisional ? " so far" : ""}${expected}`;
  const brief = `${SYMBOL[one.outcome]} ${off}`;
  return [all, words].find((each) => each.length * LETTER <= room) ?? brief;
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
    `Bar: ${held[base]}${
      base === baseline ? `${rounds}, a mean expectation and no target` : ""
    }. Symbol: ${symbol}.`,
    without && `${without} cannot be compared.`,
  ]);
}

const showTable = tableView("subjects-table", () => {
  const student = pinned();
  if (student === null) return [el("p", {}, "Nobody is drawn.")];
  const all = taken(student);
  return [table(`${data.students[student]}, all subjects`, [
    {
      head: "Subject",
      cell: (row) =>
        el("button", {
          type: "button",
          class: "name",
          onclick: () => choose({ subject: rows.subject[row] }),
        }, data.subjects[rows.subject[row]]),
    },
    ...gradeColumns(),
    differenceColumn(),
    { head: labelOf(all), cell: outcomeCell },
  ], all)];
});

/**
 * The chart's rows are subjects to go to.
 * @param {MouseEvent} event
 */
function openSubject(event) {
  const student = pinned();
  const slot = slotOf("subjects", event);
  if (student === null || !slot || slot.y < 0) return;
  const all = taken(student);
  const scale = commonest(all);
  const row = all.filter((each) => scaleOf(each) === scale)[Math.floor(slot.y / data.row_height)];
  if (row !== undefined) choose({ subject: rows.subject[row] });
}

/** On a small screen the panels lie over the page, while somebody is pinned. */
const open = () => $("people").classList.toggle("open", pinned() !== null);

/** Before anything is drawn in it: what is not shown has no width. */
export const people = () => on(["pinned"], open);

export function subjects() {
  on(["pinned", "comparison"], drawSubjects);
  $("unpin").addEventListener("click", letGo);
  $("close-people").addEventListener("click", letGo);
  $("subjects-chart").addEventListener("click", openSubject);
  $("several").addEventListener("click", () => change({ several: !state.several }));
  on(["several"], () => $("several").setAttribute("aria-pressed", String(state.several)));
}
