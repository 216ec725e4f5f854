// The chart of a subject, a dot for every student: what is drawn, pointed at and said (edition for staff).

import { data } from "./data.js";
import { $, el, fill } from "./dom.js";
import { change, isPinned, letGo, on, pin, pinned, state, unpin } from "./state.js";
import { absent, baseline, chosen, compare, final, labelOf, notCompared } from "./comparing.js";
import { outcomeCell, outcomeWords, received, rowOf, rows, said, scope } from "./comparing.js";
import { series, verdict, word } from "./comparing.js";
import {
  counted,
  differenceColumn,
  entryColumns,
  gradeColumns,
  leading,
  openEntries,
  openList,
} from "./list.js";
import { beside, isSmall, nearestOf, placeOf, show, slotOf } from "./pictures.js";
import { axisOf } from "./scales.js";
import { boxTable } from "./boxes.js";
import { nameButton } from "./names.js";
import { box, jitter } from "./statistics.js";
import { table, tableView } from "./tables.js";
import { count, listed, OUTCOMES, sentences, students, SYMBOL } from "./words.js";

/** @typedef {{ row: number, series: number, x: number, y: number }} Dot */
/** @typedef {ReturnType<typeof scope>} Scope */

const DOTS_AT_MOST = 400; // per series; drawing more is what makes a page slow

/** @type {Dot[]} what can be pointed at */
let dots = [];
/** @type {number[]} */
let drawn = [];
/** @type {(ReturnType<typeof box> | null)[]} */
let boxes = [];

function drawSubject() {
  const found = scope();
  drawn = found.rows;
  const values = series.map((_, at) =>
    drawn.map((row) => rows.points[at][row]).filter((points) => points !== null)
  );
  boxes = values.map((points) => (points.length ? box(points) : null));
  // the same students in every series, evenly over the list
  const step = Math.max(1, drawn.length / DOTS_AT_MOST);
  const dotted = step === 1
    ? drawn
    : Array.from({ length: DOTS_AT_MOST }, (_, n) => drawn[Math.floor(n * step)]);
  dots = series.flatMap((_, at) => dotsOf(dotted, at));
  show("distribution", {
    boxes: boxes.flatMap((one, at) => (one ? [{ x: at, ...one }] : [])),
    dots: dots.map(({ x, y, row, series: at }) => ({ x, y, outcome: colourOf(row, at) })),
  }, {
    labels: labels(found.inside),
    ...dotLook(dotted.length),
    ...axisOf(data.scale_of[state.subject]),
  });
  sayOutcomes();
  sayNotes(found, dotted.length);
  showTable();
}

/**
 * @param {readonly number[]} of
 * @param {number} at
 * @returns {Dot[]}
 */
function dotsOf(of, at) {
  const there = of.filter((row) => rows.points[at][row] !== null);
  const points = there.map((row) => /** @type {number} */ (rows.points[at][row]));
  const offsets = jitter(points, data.dots);
  return there.map((row, n) => ({
    row,
    series: at,
    x: at + offsets[n][0],
    y: points[n] + offsets[n][1],
  }));
}

/**
 * Only the series that is compared carries its outcome.
 * @param {number} row
 * @param {number} at
 */
function colourOf(row, at) {
  if (!state.coloured) return "none";
  const found = compare(row);
  return found.at === at ? found.outcome : "none";
}

/**
 * Dots of many are smaller and lighter, so that they do not hide the box.
 * @param {number} number
 */
function dotLook(number) {
  const many = Math.min(1, Math.max(0, (number - 60) / 240));
  return {
    dot_size: (state.coloured ? 34 : 26) - 14 * many,
    dot_opacity: (state.coloured ? 0.9 : 0.6) - 0.25 * many,
  };
}

/** @param {readonly number[]} inside */
function labels(inside) {
  return series.map((name, at) => {
    const gone = inside.filter((row) => absent[at].has(row)).length;
    return [name, boxes[at] ? count(boxes[at].n) : "none", gone ? `${count(gone)} absent` : ""];
  });
}

function sayOutcomes() {
  $("distribution-title").textContent = `${data.subjects[state.subject]}: ${
    students(drawn.length)
  }`;
  const found = drawn.map((row) => compare(row));
  /** @param {string} outcome */
  const of = (outcome) => drawn.filter((_, n) => found[n].outcome === outcome);
  /** @param {string} outcome */
  const number = (outcome) => of(outcome).length;
  const [subject, note] = [data.subjects[state.subject], labelOf(drawn)];
  const words = outcomeWords();
  // where it stands in for all of them, the label says so
  const stands = found.filter((one) => one.provisional && one.outcome !== "none").length;
  if (number("none") === drawn.length) {
    fill(
      $("outcomes"),
      el(
        "span",
        { class: "against" },
        chosen().base === null
          ? `${note}: the files have one exam, and no baseline, target or prediction.`
          : `${note}: nobody can be compared. `,
      ),
      chosen().base !== null && drawn.length > 0 &&
        leading(
          notCompared(drawn),
          () => openEntries(`${subject}: not compared`, drawn),
          "outcome none",
        ),
    );
    return;
  }
  fill(
    $("outcomes"),
    el("span", { class: "against" }, `${labelOf(drawn)}: `),
    ...OUTCOMES.map((outcome) =>
      leading(
        `${SYMBOL[outcome]} ${count(number(outcome))} ${words[outcome]}`,
        () => openEntries(`${subject}: ${words[outcome]}`, of(outcome), { note }),
        `outcome ${outcome}`,
      )
    ),
    number("none") &&
      leading(
        notCompared(of("none")),
        () => openEntries(`${subject}: not compared`, of("none")),
        "outcome none",
      ),
    stands > 0 && stands < found.length - number("none") &&
      el(
        "span",
        { class: "provisional" },
        `Provisional: ${series[final]} is not sat by ${
          count(stands)
        }; the newest series before it stands in.`,
      ),
  );
}

/**
 * @param {Scope} found
 * @param {number} dotted
 */
function sayNotes(found, dotted) {
  const subject = data.subjects[state.subject];
  const { taking, inside, held, gaps, out, left } = found;
  const only = data.only_baseline[state.subject];
  $("distribution-notes").textContent = sentences([
    `${students(taking.length)} of ${count(data.students.length)} ${
      taking.length === 1 ? "takes" : "take"
    } ${subject}.`,
    only && baseline !== null
      ? `${students(only)} with a ${series[baseline]} in it and no exam ${
        only === 1 ? "is" : "are"
      } left out.`
      : null,
    state.group &&
    `Shown: ${data.groups[state.group[0]].name} ${
      data.groups[state.group[0]].values[state.group[1]]
    }, ${count(inside.length)} of them.`,
    state.matched
      ? `Matched: only those with a result in each of ${listed(held.map((at) => series[at]))}.`
      : "Series may have different students; switch on “matched only” to compare like with like.",
    dotted < drawn.length &&
    `A dot for ${count(dotted)} of ${
      count(drawn.length)
    } students, evenly over the list; boxes are of all. Search finds everybody.`,
  ]);
  const missing =
    gaps.filter(([row]) => !out.has(row) && held.some((at) => rows.points[at][row] === null))
      .length;
  const head = [
    out.size ? `${students(out.size)} left out` : "Nobody left out",
    missing && `${count(missing)} missing in some series`,
    left.size && notCompared([...left]),
  ].filter(Boolean);
  const order = [...gaps].sort(([a], [b]) =>
    Number(out.has(b)) - Number(out.has(a)) || rows.student[a] - rows.student[b]
  );
  $("left-out").hidden = !gaps.length;
  $("nobody-left-out").hidden = Boolean(gaps.length);
  const reasons = new Map(order);
  /** @param {number} row */
  const why = (row) =>
    `${
      held.every((at) => rows.points[at][row] === null)
        ? "no result in any series"
        : listed(reasons.get(row) ?? [])
    }${out.has(row) ? "; left out" : left.has(row) ? "; not compared" : ""}`;
  fill(
    $("left-out"),
    leading(`${head.join("; ")}: who and why`, () => {
      const of = order.map(([row]) => row);
      const [who, ...others] = entryColumns(of);
      openList({
        title: `${subject}: left out, missing or not compared`,
        columns: [who, { head: "Why", cell: why, by: why, value: why }, ...others],
        rows: of,
      });
    }),
  );
}

/** @param {number} at */
const titleOf = (at) => `${data.subjects[state.subject]}, ${series[at]}`;

/** @param {number} at */
const there = (at) => drawn.filter((row) => rows.points[at][row] !== null);

/** @param {number} at */
const gone = (at) => drawn.filter((row) => absent[at].has(row));

const showTable = tableView("distribution-table", () => {
  const told = boxes.map((one, at) => ({
    series: series[at],
    ...(one ?? { n: 0, median: null }),
    absent: drawn.filter((row) => absent[at].has(row)).length,
    with: () => counted(there(at), titleOf(at)),
    without: () => counted(gone(at), `${titleOf(at)}, absent`),
  }));
  const order = [...drawn].sort((a, b) => rows.student[a] - rows.student[b]);
  return [
    boxTable(told),
    table($("distribution-title").textContent ?? "", [
      {
        head: "Student",
        cell: (row) => nameButton(rows.student[row]),
        by: (row) => data.students[rows.student[row]],
      },
      ...gradeColumns(),
      differenceColumn(),
      { head: labelOf(drawn), cell: outcomeCell, by: (row) => word(compare(row)) || null },
    ], order),
  ];
});

// --- pointing at somebody

function mark() {
  const shown = state.hovered ?? pinned();
  const marked = [];
  for (const student of new Set([...state.pinned, state.hovered])) {
    const row = rowOf(student, state.subject);
    if (row === undefined) continue;
    const found = compare(row);
    for (const at of series.keys()) {
      const points = rows.points[at][row];
      if (points === null) continue;
      const dot = dots.find((one) => one.row === row && one.series === at);
      // only the series that is compared carries its outcome
      const result = at === found.at && found.outcome !== "none";
      marked.push({
        x: dot ? dot.x : at,
        y: dot ? dot.y : points,
        outcome: result ? found.outcome : "none",
        size: student === shown ? 210 : 110,
      });
    }
  }
  show("distribution", { marked });
}

/**
 * @param {Dot | null | undefined} dot
 * @param {boolean} spoken
 */
function hover(dot, spoken = false) {
  const student = dot ? rows.student[dot.row] : null;
  const at = dot ? dot.series : null;
  if (student === state.hovered && at === state.series) return;
  tip(dot);
  change({ hovered: student, series: at, last: student ?? state.last });
  if (spoken && dot) $("spoken").textContent = tipLines(dot).join(", ");
}

/**
 * Of a mock as well, what is said of the outcome names the series that it is of.
 * @param {Dot} dot
 */
function tipLines(dot) {
  const found = compare(dot.row);
  const outcome = found.outcome === "none"
    ? verdict(dot.row)
    : `${series[found.at]}: ${said(dot.row, found)}${found.provisional ? " (provisional)" : ""}`;
  return [
    data.students[rows.student[dot.row]],
    `${series[dot.series]}: ${received(dot.row, dot.series)}`,
    outcome,
  ];
}

/** @param {Dot | null | undefined} dot */
function tip(dot) {
  const bubble = $("tip");
  // on a small screen the panel says it, and the tip would lie on the chart
  bubble.hidden = !dot || isSmall();
  if (!dot || bubble.hidden) return;
  const [name, ...rest] = tipLines(dot);
  fill(bubble, el("strong", {}, name), ...rest.map((line) => el("span", {}, line)));
  beside(
    bubble,
    $("distribution"),
    $("distribution-chart"),
    placeOf("distribution", dot),
  );
}

/**
 * The students of a series, by their grade.
 * @param {number} at
 */
const column = (at) =>
  dots.filter((dot) => dot.series === at).sort((a, b) =>
    Number(rows.points[at][a.row]) - Number(rows.points[at][b.row]) ||
    rows.student[a.row] - rows.student[b.row]
  );

/**
 * Arrows: to the next student up or down in a series, or the same student in the next series.
 * @param {KeyboardEvent} event
 */
function step(event) {
  const keys = [
    ...["ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight"],
    ...["Home", "End", "Enter", " ", "Escape"],
  ];
  if (!keys.includes(event.key) || !dots.length) return;
  event.preventDefault();
  const { hovered } = state;
  if (event.key === "Escape") return letGo();
  if (event.key === "Enter" || event.key === " ") {
    if (hovered !== null) pinOrLetGo(hovered, event);
    return;
  }
  const now = dots.find((dot) =>
    rows.student[dot.row] === (hovered ?? pinned()) &&
    (state.series === null || dot.series === state.series)
  );
  if (!now) {
    const { top } = chosen();
    const start = [top === "compared" ? final : top, ...series.keys()].map(column).find((list) =>
      list.length
    );
    return hover(start?.[Math.floor(start.length / 2)], true);
  }
  const list = column(now.series);
  const own = dots.filter((dot) => dot.row === now.row).sort((a, b) => a.series - b.series);
  const [at, side] = [list.indexOf(now), own.indexOf(now)];
  const next = {
    ArrowUp: list[at + 1],
    ArrowDown: list[at - 1],
    ArrowLeft: own[side - 1],
    ArrowRight: own[side + 1],
    Home: list[0],
    End: list[list.length - 1],
  }[event.key];
  if (next) hover(next, true);
}

/**
 * Shift, Ctrl or the switch pins beside those who are pinned.
 * @param {number} student
 * @param {MouseEvent | KeyboardEvent} event
 */
function pinOrLetGo(student, event) {
  const beside = event.shiftKey || event.ctrlKey || event.metaKey || state.several;
  if (!isPinned(student)) pin(student, beside);
  else if (beside) unpin(student);
  else letGo();
}

/**
 * Below the boxes stands how many have a result, and below that how many were absent.
 * @param {MouseEvent} event
 */
function openLabel(event) {
  const slot = slotOf("distribution", event);
  if (!slot || slot.below < 0) return false;
  const at = Math.round(slot.x);
  const absentees = slot.below > 46 && gone(at).length > 0;
  const of = absentees ? gone(at) : there(at);
  if (of.length) openEntries(absentees ? `${titleOf(at)}, absent` : titleOf(at), of);
  return true;
}

export function distribution() {
  const of = /** @type {const} */ (["subject", "comparison", "group", "matched"]);
  on([...of, "coloured"], drawSubject);
  on([...of, "hovered", "pinned"], mark);
  on([...of, "hovered"], () => {
    if (state.hovered === null) tip(null);
  });
  const chart = $("distribution-chart");
  /** @param {MouseEvent} event */
  const near = (event) => nearestOf("distribution", dots, event);
  chart.addEventListener("pointermove", (event) => {
    if (event.pointerType !== "touch") hover(near(event));
  });
  chart.addEventListener("pointerleave", (event) => {
    if (event.pointerType !== "touch") hover(null);
  });
  chart.addEventListener("click", (event) => {
    if (openLabel(event)) return;
    const dot = near(event);
    if (!dot) return hover(null);
    const student = rows.student[dot.row];
    hover(dot);
    pinOrLetGo(student, event);
  });
  chart.addEventListener("keydown", step);
  chart.addEventListener("blur", () => hover(null));
}
