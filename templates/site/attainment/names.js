// Names that pin a student.

import { data } from "./data.js";
import { el } from "./dom.js";
import { change, isPinned, pin } from "./state.js";

/** @param {number} student */
export const nameButton = (student) =>
  el("button", {
    type: "button",
    class: "name",
    "data-student": student,
    "aria-pressed": String(isPinned(student)),
    onclick: () => {
      pin(student);
      change({ tab: "explore" });
    },
  }, data.students[student]);

/**
 * Pins a student beside those who are.
 * @param {number} student
 */
export const pinBox = (student) =>
  el("input", {
    type: "checkbox",
    "data-pins": student,
    "aria-label": `Pin ${data.students[student]}`,
    checked: isPinned(student),
  });

/** Names that are on the page say who is pinned. */
export function pressNames() {
  for (const button of document.querySelectorAll("button.name[data-student]")) {
    const own = Number(button.getAttribute("data-student"));
    button.setAttribute("aria-pressed", String(isPinned(own)));
  }
  for (const box of document.querySelectorAll("input[data-pins]")) {
    /** @type {HTMLInputElement} */ (box).checked = isPinned(Number(box.getAttribute("data-pins")));
  }
}
