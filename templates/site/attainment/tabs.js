// Parts of the page, one at a time; only where scripts run: without them all are below each other.

import { $ } from "./dom.js";

/** @param {(section: string) => void} onShow */
export function tabs(onShow) {
  const buttons = /** @type {HTMLElement[]} */ ([...document.querySelectorAll("[role=tab]")]);
  /** @param {HTMLElement} button */
  const sectionOf = (button) => String(button.getAttribute("aria-controls"));

  /** @param {HTMLElement} button */
  function open(button) {
    for (const one of buttons) {
      const chosen = one === button;
      one.setAttribute("aria-selected", String(chosen));
      one.tabIndex = chosen ? 0 : -1;
      $(sectionOf(one)).hidden = !chosen;
    }
    onShow(sectionOf(button));
  }

  for (const [at, button] of buttons.entries()) {
    button.addEventListener("click", () => open(button));
    button.addEventListener("keydown", (event) => {
      const by = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
      if (!by) return;
      const next = buttons[(at + by + buttons.length) % buttons.length];
      next.focus();
      open(next);
    });
  }
  open(buttons[0]);
}
