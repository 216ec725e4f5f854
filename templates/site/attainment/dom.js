// Making and finding nodes. Every node is built here, so that a name is never markup.

/** @typedef {Node | string | null | undefined | false | 0} Child What is not there is left out. */

/** @param {string} id */
export const $ = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

/** @param {string} id */
export const selectOf = (id) => /** @type {HTMLSelectElement} */ (document.getElementById(id));

/** @param {string} id */
export const inputOf = (id) => /** @type {HTMLInputElement} */ (document.getElementById(id));

/** @param {string} id */
export const isThere = (id) => document.getElementById(id) !== null;

/** @param {readonly Child[]} children */
const nodes = (
  children,
) => /** @type {(Node | string)[]} */ (children.filter((child) => child || child === ""));

/**
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {Record<string, unknown>} attributes `onclick` and the like are listened to
 * @param {...Child} children
 */
export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) {
      node.addEventListener(name.slice(2), /** @type {EventListener} */ (value));
    } else if (value !== null && value !== undefined && value !== false) {
      node.setAttribute(name, value === true ? "" : String(value));
    }
  }
  node.append(...nodes(children));
  return node;
}

/**
 * @param {Element} node
 * @param {...Child} children
 */
export const fill = (node, ...children) => node.replaceChildren(...nodes(children));

/**
 * @param {HTMLSelectElement} select
 * @param {readonly (string | number)[][]} entries Value and text.
 */
export function options(select, entries) {
  fill(select, ...entries.map(([value, text]) => el("option", { value }, String(text))));
}
