// One student's grades in one subject over the series, against what they are held against.

import { data } from "./data.js";
import { $, el, fill } from "./dom.js";
import { on, state } from "./state.js";
import { absent, baseline, compare, gradeOf, received, rounded, rowOf, rows, sat } from "./comparing.js";
import { series, standard, verdict } from "./comparing.js";
import { show } from "./pictures.js";
import { table, tableView } from "./tables.js";
import { axisOf } from "./scales.js";
import { signed } from "./words.js";

/** @returns {[number | null, string]} */
function person() {
  if (state.hovered !== null) return [state.hovered, "Hovering:"];
  if (state.pinned !== null) return [state.pinned, "Pinned:"];
  return [state.last, "Last hovered:"];
}

/**
 * @param {string} verdict_
 * @param {string} outcome
 */
function say(verdict_, outcome = "") {
  const place = $("progress-verdict");
  place.textContent = verdict_;
  place.className = `verdict ${outcome}`.trim();
}

const EMPTY = { line: [], points: [], reference: [], range: [] };

function drawProgress() {
  const [student, why] = person();
  const subject = data.subjects[state.subject];
  $("progress").classList.toggle("nobody", student === null);
  if (student === null) {
    fill($("progress-title"), "Nobody yet");
    say(
      "Hover a dot, tap it, or search for a student: their progress through the series appears here.",
    );
    $("progress-notes").textContent = "";
    return show("progress", EMPTY);
  }
  fill($("progress-title"), el("span", { class: "why" }, `${why} `), data.students[student]);
  const row = rowOf(student, state.subject);
  if (row === undefined) {
    say(`${data.students[student]} does not take ${subject}.`);
    $("progress-notes").textContent = "";
    show("progress", EMPTY);
  } else {
    drawRow(row);
  }
  showTable();
}

/** @param {number} row */
function drawRow(row) {
  const found = compare(row);
  const { base } = found;
  say(`${data.subjects[state.subject]}: ${verdict(row)}`, found.outcome);
  const place = new Map(sat.map((at, n) => [at, n]));
  /** @param {number} at */
  const points = (at) => /** @type {number} */ (rows.points[at][row]);
  const there = sat.filter((at) => rows.points[at][row] !== null);
  const results = there.map(points);
  const decided = found.outcome !== "none";
  // the outcome is that of the series compared: what was sat after it is drawn in grey
  const upTo = decided ? there.filter((at) => at <= found.at) : [];
  const after = decided ? there.filter((at) => at >= found.at) : there;
  const line = [
    ...(upTo.length > 1 ? upTo : []).map((at) => ({
      at,
      outcome: found.outcome,
      dashed: found.provisional,
    })),
    ...(after.length > 1 ? after : []).map((at) => ({ at, outcome: "none", dashed: false })),
  ];
  const [low, high] = [Math.min(...results), Math.max(...results)];
  /** @param {number} of */
  const off = (of) =>
    base === null || found.against !== baseline
      ? ""
      : ` (${Math.abs(of - base) < 1e-9 ? "±0" : signed(of - base)})`;
  const flat = low === high;
  const label = base === null || found.against === null
    ? ""
    : rounded(row, found)
    ? standard(row, found)
    : `${series[found.against]} ${gradeOf(row, base)}`;
  show("progress", {
    line: line.map(({ at, ...rest }) => ({ x: place.get(at), y: points(at), ...rest })),
    points: there.map((at) => {
      const end = decided && at === found.at;
      return {
        x: place.get(at),
        y: points(at),
        outcome: end ? found.outcome : "none",
        hollow: !end || found.provisional,
        under: base !== null && points(at) < base,
        text: gradeOf(row, points(at)),
      };
    }),
    reference: base === null ? [] : [{
      y: base,
      text: label,
      under: results.length > 0 && results[0] >= base && results[0] < base + 1.5,
    }],
    range: results.length
      ? [{
        x: sat.length,
        low,
        high,
        low_text: flat ? "" : `lowest ${gradeOf(row, low)}${off(low)}`,
        high_text: `${flat ? "always" : "highest"} ${gradeOf(row, high)}${off(high)}`,
      }]
      : [],
  }, {
    ...axisOf(data.scale_of[state.subject]),
    labels: [
      ...sat.map((at) => [
        series[at],
        absent[at].has(row) ? "absent" : rows.points[at][row] === null ? "no result" : "",
      ]),
      ["lowest to", "highest"],
    ],
  });
  sayNotes(row);
}

/** @param {number} row */
function sayNotes(row) {
  const student = rows.student[row];
  const gaps = sat.filter((at) => rows.points[at][row] === null).map((at) =>
    absent[at].has(row) ? `absent in ${series[at]}` : `no result in ${series[at]}`
  );
  const groups = data.groups.map(({ per, of, values, name }) => {
    const value = values[of[per === "row" ? row : student]];
    return value === data.not_stated ? "" : `${name} ${value}`;
  }).filter(Boolean);
  $("progress-notes").textContent = [
    ...gaps.slice(0, 1).map((gap) => gap[0].toUpperCase() + gap.slice(1)),
    ...gaps.slice(1),
    ...groups,
  ].join(" · ");
}

const showTable = tableView("progress-table", () => {
  const [student] = person();
  const row = rowOf(student, state.subject);
  if (student === null || row === undefined) return [el("p", {}, "Nobody is drawn.")];
  const expected = data.rounding === "none" ? series[baseline ?? 0] : "expected";
  const against = rows.against[row];
  return [
    table(`${data.students[student]}, ${data.subjects[state.subject]}`, [
      { head: "Series", cell: (at) => series[at] },
      { head: "Grade", number: true, cell: (at) => received(row, at) },
      ...(baseline === null ? [] : [{
        head: `Against ${expected}`,
        number: true,
        cell: (/** @type {number} */ at) => {
          const points = rows.points[at][row];
          return at === baseline || points === null || against === null
            ? ""
            : signed(points - against);
        },
      }]),
    ], series.map((_, at) => at)),
    el("p", {}, verdict(row)),
  ];
});

export function progress() {
  on(["hovered", "pinned", "last", "subject", "comparison", "group", "matched"], drawProgress);
}
