// Finding a student by any part of the name.

import { data } from "./data.js";
import { $, el, fill, inputOf } from "./dom.js";
import { change } from "./state.js";
import { count } from "./words.js";

const AT_MOST = 8;

/** @param {string} text */
const simple = (text) => text.normalize("NFKD").replace(/[\p{M}\p{P}\p{S}]/gu, "").toLowerCase();

export function search() {
  const [input, list] = [inputOf("search"), $("found")];
  const names = data.students.map(simple);
  /** @type {number[]} */
  let hits = [];
  let active = -1;

  function close() {
    list.hidden = true;
    active = -1;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  }

  function suggest() {
    const words = simple(input.value).split(/\s+/).filter(Boolean);
    if (!words.length) return close();
    const all = [...names.keys()].filter((student) =>
      words.every((part) => names[student].includes(part))
    );
    hits = all.slice(0, AT_MOST);
    const more = all.length - hits.length;
    const rest = hits.length ? more > 0 && `and ${count(more)} more` : "nobody by that name";
    fill(
      list,
      ...hits.map((student, n) =>
        el("li", {
          role: "option",
          id: `found-${n}`,
          "aria-selected": "false",
          onpointerdown: (/** @type {Event} */ event) => {
            event.preventDefault();
            take(student);
          },
        }, data.students[student])
      ),
      rest && el("li", { class: "more" }, rest),
    );
    list.hidden = false;
    active = -1;
    input.setAttribute("aria-expanded", "true");
  }

  /** @param {number} student */
  function take(student) {
    input.value = "";
    close();
    change({ pinned: student, last: student });
  }

  /** @param {number} by */
  function move(by) {
    if (list.hidden) return suggest();
    if (!hits.length) return;
    active = (active + by + hits.length) % hits.length;
    for (const n of hits.keys()) {
      $(`found-${n}`).setAttribute("aria-selected", String(n === active));
    }
    input.setAttribute("aria-activedescendant", `found-${active}`);
  }

  input.addEventListener("input", suggest);
  input.addEventListener("focus", suggest);
  input.addEventListener("blur", close);
  input.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      move(event.key === "ArrowDown" ? 1 : -1);
    } else if (event.key === "Enter") {
      event.preventDefault();
      if (!list.hidden && hits.length) take(hits[Math.max(0, active)]);
    } else if (event.key === "Escape") close();
  });
}
