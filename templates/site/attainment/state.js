// What is chosen on the page, and who draws when it changes. Nothing is drawn here.

/**
 * @typedef {object} State
 * @property {number} subject
 * @property {number} comparison
 * @property {[number, number] | null} group Of `data.groups`, and which of its values.
 * @property {boolean} matched
 * @property {number | null} hovered A student.
 * @property {number | null} last The student who was hovered last.
 * @property {number | null} pinned
 * @property {number | null} series The series of the dot that is hovered.
 */

/** @type {State} */
export const state = {
  subject: 0,
  comparison: 0,
  group: null,
  matched: false,
  hovered: null,
  last: null,
  pinned: null,
  series: null,
};

/** @type {{ keys: readonly (keyof State)[], draw: () => void }[]} */
const drawers = [];

/**
 * Draw whenever one of these changes, in the order in which it was asked for.
 * @param {readonly (keyof State)[]} keys
 * @param {() => void} draw
 */
export function on(keys, draw) {
  drawers.push({ keys, draw });
}

/** @param {Partial<State>} patch */
export function change(patch) {
  const changed = /** @type {(keyof State)[]} */ (Object.keys(patch)).filter(
    (key) => state[key] !== patch[key],
  );
  Object.assign(state, patch);
  for (const { keys, draw } of drawers) if (keys.some((key) => changed.includes(key))) draw();
}

/** Draw everything, such as when the page opens or its width changes. */
export function drawAll() {
  for (const { draw } of drawers) draw();
}
