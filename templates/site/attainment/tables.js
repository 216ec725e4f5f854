// Tables that are sorted by their headings, and those that are built when somebody opens them.

import { $, el, fill } from "./dom.js";
import { count } from "./words.js";

/** @import { Child } from "./dom.js" */

const ROWS_AT_MOST = 300; // until asked for all

/**
 * @template Row
 * @typedef {object} Column
 * @property {string} head
 * @property {boolean} [number]
 * @property {(row: Row) => Child} cell
 * @property {(row: Row) => string | number | null | undefined} [by] What it is sorted by.
 */

/**
 * Rows in order of a column; what is not there comes last.
 * @template Row
 * @param {readonly Row[]} rows
 * @param {(row: Row) => string | number | null | undefined} by
 * @param {boolean} down
 */
export function sorted(rows, by, down) {
  return [...rows].sort((a, b) => {
    const [x, y] = [by(a) ?? null, by(b) ?? null];
    if (x === null || y === null) return Number(x === null) - Number(y === null);
    const order = typeof x === "string" ? x.localeCompare(String(y)) : x - Number(y);
    return down ? -order : order;
  });
}

/**
 * @template Row
 * @param {string} caption
 * @param {readonly Column<Row>[]} columns
 * @param {readonly Row[]} rows
 */
export function table(caption, columns, rows) {
  /** @type {{ at: number, down: boolean } | null} */
  let order = null;
  let all = rows.length <= ROWS_AT_MOST;
  const body = el("tbody");
  const more = el("p", { class: "more" });
  const heads = columns.map((column, at) =>
    el(
      "th",
      { scope: "col", class: column.number ? "figure" : null },
      column.by
        ? el("button", { type: "button", class: "sort", onclick: () => sort(at) }, column.head)
        : column.head,
    )
  );

  /** @param {number} at */
  function sort(at) {
    order = { at, down: order?.at === at ? !order.down : false };
    for (const [n, head] of heads.entries()) {
      if (n === at) head.setAttribute("aria-sort", order.down ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
    }
    show();
  }

  function show() {
    const by = order && columns[order.at].by;
    const found = order && by ? sorted(rows, by, order.down) : rows;
    fill(
      body,
      ...(all ? found : found.slice(0, ROWS_AT_MOST)).map((row) =>
        el(
          "tr",
          {},
          ...columns.map((column, at) =>
            el(
              at ? "td" : "th",
              { scope: at ? null : "row", class: column.number ? "figure" : null },
              column.cell(row),
            )
          ),
        )
      ),
    );
    fill(
      more,
      ...(all ? [] : [
        `${count(ROWS_AT_MOST)} of ${count(rows.length)} rows. `,
        el("button", { type: "button", onclick: () => ((all = true), show()) }, "Show all"),
      ]),
    );
  }

  show();
  return el(
    "div",
    {},
    el(
      "div",
      { class: "scroll", tabindex: 0, role: "region", "aria-label": caption },
      el(
        "table",
        {},
        el("caption", {}, caption),
        el("thead", {}, el("tr", {}, ...heads)),
        body,
      ),
    ),
    more,
  );
}

/**
 * A table that is built when somebody opens it, and again when what is drawn changes while it is open.
 * @param {string} id of its `details`
 * @param {() => Child[]} build
 */
export function tableView(id, build) {
  const details = /** @type {HTMLDetailsElement} */ ($(id));
  const show = () => {
    if (details?.open) fill(/** @type {Element} */ (details.querySelector("div")), ...build());
  };
  details?.addEventListener("toggle", show);
  return show;
}
