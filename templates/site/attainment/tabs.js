// Parts of the page, one at a time; only where scripts run: without them all are below each other.

import { $ } from "./dom.js";
import { change, on, state } from "./state.js";

export function tabs() {
  const buttons = /** @type {HTMLElement[]} */ ([...document.querySelectorAll("[role=tab]")]);
  /** @param {HTMLElement} button */
  const sectionOf = (button) => String(button.getAttribute("aria-controls"));

  on(["tab"], () => {
    document.documentElement.dataset.tab = state.tab;
    for (const button of buttons) {
      const chosen = sectionOf(button) === state.tab;
      button.setAttribute("aria-selected", String(chosen));
      button.tabIndex = chosen ? 0 : -1;
      $(sectionOf(button)).hidden = !chosen;
    }
  });
  for (const [at, button] of buttons.entries()) {
    button.addEventListener("click", () => change({ tab: sectionOf(button) }));
    button.addEventListener("keydown", (event) => {
      const by = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
      if (!by) return;
      const next = buttons[(at + by + buttons.length) % buttons.length];
      next.focus();
      change({ tab: sectionOf(next) });
    });
  }
}
