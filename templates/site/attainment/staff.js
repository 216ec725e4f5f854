// The edition for staff: its controls, and its panels put together.

import { data } from "./data.js";
import { $, inputOf, options, selectOf } from "./dom.js";
import { change, choose, letGo, on, onChange, pin, pinned, state } from "./state.js";
import { bySubject, comparisons, valueOf } from "./comparing.js";
import { openLedger } from "./counted.js";
import { classes } from "./classes.js";
import { distribution } from "./distribution.js";
import { forecast } from "./forecast.js";
import { headlines } from "./headlines.js";
import { link } from "./link.js";
import { closeList, list } from "./list.js";
import { measures } from "./measures.js";
import { pressNames } from "./names.js";
import { offers } from "./offers.js";
import { picker } from "./picker.js";
import { progress } from "./progress.js";
import { sheets } from "./sheets.js";
import { people, subjects } from "./subjects.js";
import { years } from "./years.js";

const HITS = 8;
const GROUPS = 200;

/**
 * Values of a column that there are: a class is one of its subject.
 * @param {number} group
 */
function valuesOf(group) {
  const { per, values } = data.groups[group];
  const all = [...values.keys()];
  if (per === "student") return all;
  const taken = new Set(bySubject[state.subject].map((row) => valueOf(group, row)));
  const named = all.filter((value) => values[value] !== data.not_stated);
  return named.some((value) => taken.has(value)) ? all.filter((value) => taken.has(value)) : [];
}

/** @param {[number, number] | null} group */
const groupName = (group) =>
  group ? `${data.groups[group[0]].name}: ${data.groups[group[0]].values[group[1]]}` : "";

function groups() {
  const field = picker("group", {
    entries: () => [
      { text: "everybody", take: () => choose({ group: null }) },
      ...data.groups.flatMap((_, at) =>
        valuesOf(at).map((value) => ({
          text: groupName([at, value]),
          take: () => choose({ group: [at, value] }),
        }))
      ),
    ],
    none: "no such group in this subject",
    most: GROUPS,
    rest: () => groupName(state.group),
    all: true,
  });
  $("group-label").hidden = !data.groups.length;
  on(["group"], field.refresh);
}

function controls() {
  const comparison = selectOf("comparison");
  options(comparison, comparisons.map(({ label }, at) => [at, label]));
  comparison.addEventListener("change", () => choose({ comparison: Number(comparison.value) }));
  const [matched, coloured] = [inputOf("matched"), inputOf("coloured")];
  matched.addEventListener("change", () => choose({ matched: matched.checked }));
  coloured.addEventListener("change", () => choose({ coloured: coloured.checked }));
  on(["comparison", "matched", "coloured"], () => {
    comparison.value = String(state.comparison);
    matched.checked = state.matched;
    coloured.checked = state.coloured;
  });
  // a group that is none of the subject shows nobody
  onChange(["subject"], () => {
    if (state.group && !valuesOf(state.group[0]).includes(state.group[1])) choose({ group: null });
  });
  picker("search", {
    entries: () =>
      data.students.map((text, student) => ({
        text,
        take: () => {
          pin(student);
          change({ tab: "explore" });
        },
      })),
    none: "nobody by that name",
    most: HITS,
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    if (!$("list").hidden) closeList();
    else if (event.target === document.body) letGo();
  });
}

function speak() {
  const student = pinned();
  $("spoken").textContent = student === null
    ? "Nobody pinned"
    : `Pinned: ${data.students[student]}. ${$("subjects-verdict").textContent}`;
}

/** Numbers of the tables that are on the page without scripts. */
function ledger() {
  for (const button of document.querySelectorAll("[data-figure]")) {
    button.addEventListener("click", () => {
      const [figure, subject, of, reason] = ["figure", "subject", "series", "reason"].map((name) =>
        button.getAttribute(`data-${name}`) ?? ""
      );
      openLedger(figure, subject, of, reason);
    });
  }
}

export function staff() {
  controls();
  groups();
  people();
  distribution();
  progress();
  subjects();
  for (const part of [list, offers, headlines, measures, years, forecast]) part();
  for (const part of [ledger, classes, sheets]) part();
  onChange(["pinned"], pressNames);
  onChange(["pinned"], speak);
  link();
}
