// The state in the page's address, so that a link leads to what is shown. Students and groups stand there
// as places on the page, never by name, and only while the page has the same ones (edition for staff).

import { data } from "./data.js";
import { change, onChange, state } from "./state.js";
import { comparisons, held, rows, series } from "./comparing.js";

/** @import { State } from "./state.js" */

/** @param {number} at */
const compared = (at) => {
  const { top, base } = comparisons[at];
  return [top === "compared" ? "newest" : series[top], ...(base === null ? [] : [held[base]])]
    .join("|");
};

function written() {
  const found = new URLSearchParams({ subject: data.subjects[state.subject] });
  if (state.comparison) found.set("compare", compared(state.comparison));
  if (state.group) found.set("group", state.group.join("."));
  if (state.matched) found.set("matched", "1");
  if (state.coloured) found.set("colours", "1");
  if (state.pinned.length) found.set("pinned", state.pinned.join("."));
  if (state.group || state.pinned.length) found.set("people", data.people);
  if (state.tab !== "explore") found.set("tab", state.tab);
  return `#${found}`;
}

/** @returns {Partial<State>} What the address says and the page has. */
function read() {
  const found = new URLSearchParams(location.hash.slice(1));
  const [subject, comparison] = [
    data.subjects.indexOf(found.get("subject") ?? ""),
    comparisons.findIndex((_, at) => compared(at) === found.get("compare")),
  ];
  const same = found.get("people") === data.people;
  const [group, value] = (found.get("group") ?? "").split(".").map(Number);
  const pinned = (found.get("pinned") ?? "").split(".").filter(Boolean).map(Number).filter((at) =>
    data.students[at] !== undefined
  );
  const tab = found.get("tab") ?? "";
  return {
    subject: subject >= 0 ? subject : first(),
    comparison: Math.max(0, comparison),
    group: same && data.groups[group]?.values[value] !== undefined ? [group, value] : null,
    matched: found.has("matched"),
    coloured: found.has("colours"),
    pinned: same ? pinned : [],
    ...(document.getElementById(`tab-${tab}`) ? { tab } : {}),
  };
}

/** The first subject that has something to see: something that is compared, or else any result. */
function first() {
  const compared_ = rows.compared.findIndex((at, row) => at >= 0 && rows.against[row] !== null);
  const any = rows.student.findIndex((_, row) =>
    series.some((_, at) => at !== data.baseline && rows.points[at][row] !== null)
  );
  const row = compared_ >= 0 ? compared_ : any;
  return row < 0 ? 0 : rows.subject[row];
}

export function link() {
  Object.assign(state, read());
  onChange(["subject", "comparison", "group", "matched", "coloured", "pinned", "tab"], () => {
    const hash = written();
    if (hash !== location.hash) history.replaceState(null, "", hash);
  });
  globalThis.addEventListener("hashchange", () => change(read()));
}
