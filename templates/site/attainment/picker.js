// Choosing from a long list by any part of a name: students, groups.

import { $, el, fill, inputOf } from "./dom.js";
import { count } from "./words.js";

/** @param {string} text */
const simple = (text) => text.normalize("NFKD").replace(/[\p{M}\p{P}\p{S}]/gu, "").toLowerCase();

/**
 * @typedef {object} Entry
 * @property {string} text
 * @property {() => void} take
 */

/**
 * A text field (`id`), its list (`id`-found) and what is said below it (`id`-more).
 * @param {string} id
 * @param {object} how
 * @param {() => readonly Entry[]} how.entries In the order in which they are offered.
 * @param {string} how.none What is said where nothing is found.
 * @param {number} how.most So many are offered at once.
 * @param {() => string} [how.rest] What stands in the field while nobody types; empty: nothing.
 * @param {boolean} [how.all] Whether everything is offered before anything is typed.
 */
export function picker(id, { entries, none, most, rest = () => "", all = false }) {
  const [input, list, more] = [inputOf(id), $(`${id}-found`), $(`${id}-more`)];
  const popup = /** @type {HTMLElement} */ (list.parentElement);
  /** @type {Entry[]} */
  let hits = [];
  let active = -1;

  function close() {
    popup.hidden = true;
    active = -1;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  }

  function suggest() {
    const words = simple(input.value).split(/\s+/).filter(Boolean);
    if (!words.length && !all) return close();
    const found = entries().filter(({ text }) => {
      const name = simple(text);
      return words.every((part) => name.includes(part));
    });
    hits = found.slice(0, most);
    fill(
      list,
      ...hits.map((entry, n) =>
        el("li", {
          role: "option",
          id: `${id}-found-${n}`,
          "aria-selected": "false",
          onpointerdown: (/** @type {Event} */ event) => {
            event.preventDefault();
            take(entry);
          },
        }, entry.text)
      ),
    );
    const others = found.length - hits.length;
    more.textContent = !hits.length ? none : others ? `and ${count(others)} more` : "";
    more.hidden = !more.textContent;
    list.hidden = !hits.length;
    popup.hidden = false;
    active = -1;
    input.setAttribute("aria-expanded", String(hits.length > 0));
    input.removeAttribute("aria-activedescendant");
  }

  /** @param {Entry} entry */
  function take(entry) {
    close();
    entry.take();
    input.value = rest();
    input.select();
  }

  /** @param {number} by */
  function move(by) {
    if (popup.hidden) return suggest();
    if (!hits.length) return;
    active = (active + by + hits.length) % hits.length;
    for (const [n, option] of [...list.children].entries()) {
      option.setAttribute("aria-selected", String(n === active));
      if (n === active) option.scrollIntoView({ block: "nearest" });
    }
    input.setAttribute("aria-activedescendant", `${id}-found-${active}`);
  }

  input.addEventListener("input", suggest);
  input.addEventListener("focus", () => {
    input.value = "";
    suggest();
  });
  input.addEventListener("click", () => popup.hidden && suggest());
  input.addEventListener("blur", () => {
    close();
    input.value = rest();
  });
  input.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      move(event.key === "ArrowDown" ? 1 : -1);
    } else if (event.key === "Enter") {
      event.preventDefault();
      if (!popup.hidden && hits.length) take(hits[Math.max(0, active)]);
    } else if (event.key === "Escape") {
      event.stopPropagation();
      input.blur();
    }
  });
  input.value = rest();
  return {
    refresh: () => {
      if (document.activeElement !== input) input.value = rest();
    },
  };
}
