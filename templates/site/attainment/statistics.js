// Box plots and where dots of one grade lie. Numbers in, numbers out.

import { sum } from "./words.js";

/**
 * Hyndman & Fan's type 7, as pandas and Excel's QUARTILE.INC have it.
 * @param {readonly number[]} ordered
 * @param {number} share
 */
function quantile(ordered, share) {
  const at = (ordered.length - 1) * share;
  const low = Math.floor(at);
  return ordered[low] + (at - low) * ((ordered[low + 1] ?? ordered[low]) - ordered[low]);
}

/** @param {readonly number[]} values */
export function box(values) {
  const ordered = [...values].sort((a, b) => a - b);
  return {
    n: ordered.length,
    low: ordered[0],
    q1: quantile(ordered, 0.25),
    median: quantile(ordered, 0.5),
    q3: quantile(ordered, 0.75),
    high: ordered[ordered.length - 1],
    mean: sum(ordered) / ordered.length,
  };
}

/**
 * The n-th of places that fill 0 to 1 evenly, however many are taken (Halton).
 * @param {number} n
 * @param {number} base
 */
function evenly(n, base) {
  let [place, share] = [0, 1];
  for (let rest = n; rest; rest = Math.floor(rest / base)) {
    share /= base;
    place += (rest % base) * share;
  }
  return place;
}

/**
 * Offsets from the place of the grade: wide where many have about the same one, none where nobody else
 * has; where very many have the very same, a little up and down as well, so that dots can be told apart.
 * @param {readonly number[]} points
 * @param {{ spread: number, lift: number, crowd: number }} dots
 */
export function jitter(points, { spread, lift, crowd }) {
  const ordered = points.map((_, n) => n).sort((a, b) => points[a] - points[b]);
  const near = alike(points, ordered);
  const most = Math.max(12, ...near);
  /** @type {[number, number][]} */
  const offsets = new Array(points.length);
  for (const [rank, n] of ordered.entries()) {
    const [across, up] = [2, 3].map((base) => evenly(rank + 1, base) - 0.5);
    offsets[n] = [
      near[n] === 1 ? 0 : across * spread * Math.sqrt(near[n] / most),
      near[n] > crowd && Number.isInteger(2 * points[n]) ? up * lift : 0,
    ];
  }
  return offsets;
}

/**
 * How many have about the same, each itself included.
 * @param {readonly number[]} points
 * @param {readonly number[]} ordered places in `points` by size
 */
function alike(points, ordered) {
  const found = new Array(points.length);
  let [from, to] = [0, 0];
  for (const n of ordered) {
    while (points[n] - points[ordered[from]] > 0.25) from += 1;
    while (to < ordered.length && points[ordered[to]] - points[n] <= 0.25) to += 1;
    found[n] = to - from;
  }
  return found;
}
