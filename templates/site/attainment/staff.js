// The edition for staff: its controls, and its panels put together.

import { data } from "./data.js";
import { $, el, fill, inputOf, options, selectOf } from "./dom.js";
import { change, on, state } from "./state.js";
import { comparisons } from "./comparing.js";
import { distribution } from "./distribution.js";
import { pressNames } from "./lists.js";
import { progress } from "./progress.js";
import { search } from "./search.js";
import { subjects } from "./subjects.js";

function controls() {
  const [comparison, group] = [selectOf("comparison"), selectOf("group")];
  options(comparison, comparisons.map(({ label }, at) => [at, label]));
  comparison.addEventListener("change", () => choose({ comparison: Number(comparison.value) }));
  fill(
    group,
    el("option", { value: "" }, "everybody"),
    ...data.groups.map(({ name, values }, g) =>
      el(
        "optgroup",
        { label: name },
        ...values.map((value, v) => el("option", { value: `${g} ${v}` }, `${name}: ${value}`)),
      )
    ),
  );
  /** @type {HTMLElement} */ (group.closest("label")).hidden = !data.groups.length;
  group.addEventListener("change", () => {
    const [column, value] = group.value.split(" ").map(Number);
    choose({ group: group.value ? [column, value] : null });
  });
  const matched = inputOf("matched");
  matched.addEventListener("change", () => choose({ matched: matched.checked }));
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && event.target === document.body) change({ pinned: null });
  });
}

/** @param {Partial<import("./state.js").State>} patch */
const choose = (patch) => change({ hovered: null, series: null, ...patch });

function speak() {
  $("spoken").textContent = state.pinned === null
    ? "Nobody pinned"
    : `Pinned: ${data.students[state.pinned]}. ${$("subjects-verdict").textContent}`;
}

export function staff() {
  controls();
  search();
  distribution();
  progress();
  subjects();
  on(["pinned"], pressNames);
  on(["pinned"], speak);
}
