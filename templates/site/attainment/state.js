// What is chosen on the page, and who draws when it changes. Nothing is drawn here.

/**
 * @typedef {object} State
 * @property {number} subject
 * @property {number} comparison
 * @property {[number, number] | null} group Of `data.groups`, and which of its values.
 * @property {boolean} matched
 * @property {boolean} coloured Whether dots have the colour of their outcome.
 * @property {number | null} hovered A student.
 * @property {number | null} last The student who was hovered last.
 * @property {readonly number[]} pinned Students; all else is of the last one.
 * @property {boolean} several Whether who is pinned next stands beside those who are.
 * @property {number | null} series The series of the dot that is hovered.
 * @property {string} tab
 */

/** @type {State} */
export const state = {
  subject: 0,
  comparison: 0,
  group: null,
  matched: false,
  coloured: false,
  hovered: null,
  last: null,
  pinned: [],
  several: false,
  series: null,
  tab: "explore",
};

/** @type {{ keys: readonly (keyof State)[], draw: () => void, again: boolean }[]} */
const drawers = [];

/**
 * Draw whenever one of these changes, in the order in which it was asked for.
 * @param {readonly (keyof State)[]} keys
 * @param {() => void} draw
 */
export function on(keys, draw) {
  drawers.push({ keys, draw, again: true });
}

/**
 * Do something about a change that drawing everything again is none of.
 * @param {readonly (keyof State)[]} keys
 * @param {() => void} act
 */
export function onChange(keys, act) {
  drawers.push({ keys, draw: act, again: false });
}

/** @param {Partial<State>} patch */
export function change(patch) {
  const changed = /** @type {(keyof State)[]} */ (Object.keys(patch)).filter(
    (key) => state[key] !== patch[key],
  );
  Object.assign(state, patch);
  for (const { keys, draw } of drawers) if (keys.some((key) => changed.includes(key))) draw();
}

/**
 * What is drawn becomes another; nobody is pointed at then.
 * @param {Partial<State>} patch
 */
export const choose = (patch) => change({ hovered: null, series: null, ...patch });

/** Draw everything, such as when the page opens or its width changes. */
export function drawAll() {
  for (const { draw, again } of drawers) if (again) draw();
}

/** The student that is pinned; of several, the one who was pinned last. */
export const pinned = () => state.pinned[state.pinned.length - 1] ?? null;

/** @param {number} student */
export const isPinned = (student) => state.pinned.includes(student);

/**
 * Pin a student, alone or beside those who are.
 * @param {number} student
 * @param {boolean} beside
 */
export function pin(student, beside = state.several) {
  const others = beside ? state.pinned.filter((one) => one !== student) : [];
  change({ pinned: [...others, student], last: student });
}

/** @param {number} student */
export const unpin = (student) => change({ pinned: state.pinned.filter((one) => one !== student) });

export const letGo = () => change({ hovered: null, series: null, pinned: [] });
