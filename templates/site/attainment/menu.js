// A menu of buttons behind one button; it closes when something is chosen, by Esc or by a click elsewhere.

import { $, el, fill } from "./dom.js";

/** @import { Child } from "./dom.js" */

/**
 * @typedef {object} Item
 * @property {string} text
 * @property {string} [figure] How many it leads to.
 * @property {(() => void) | null} take Null: it leads nowhere.
 */

/**
 * @param {string} id of its `details`
 * @param {() => readonly { head: string, items: readonly Item[] }[]} parts
 */
export function menu(id, parts) {
  const details = /** @type {HTMLDetailsElement} */ ($(id));
  const summary = /** @type {HTMLElement} */ (details.querySelector("summary"));
  const popup = /** @type {HTMLElement} */ (details.querySelector("div"));
  details.addEventListener("toggle", () => {
    if (!details.open) return;
    fill(
      popup,
      ...parts().filter(({ items }) => items.length).flatMap((
        { head, items },
      ) => /** @type {Child[]} */ ([
        el("h3", {}, head),
        ...items.map(({ text, figure, take }) =>
          el(
            "button",
            {
              type: "button",
              disabled: take === null,
              onclick: () => {
                details.open = false;
                summary.focus();
                take?.();
              },
            },
            text,
            figure && el("b", {}, ` ${figure}`),
          )
        ),
      ])),
    );
  });
  details.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !details.open) return;
    event.stopPropagation();
    details.open = false;
    summary.focus();
  });
  document.addEventListener("pointerdown", (event) => {
    if (!details.contains(/** @type {Node} */ (event.target))) details.open = false;
  });
}
