// Drawing charts, finding dots under the pointer, saving what is drawn. What is drawn is said elsewhere.

import { data } from "./data.js";
import { $, el } from "./dom.js";

/** @import { View } from "./page.d.ts" */

// pixels on a sheet; panels of nobody are not printed, and the others have their room
/** @type {Record<string, number>} */
const ON_SHEET = {
  distribution: 400,
  progress: 280,
  subjects: 340,
  means: 480,
  apart: 480,
  years: 480,
  forecast: 480,
};
/** @type {Record<string, number>} */
const NOBODY_PINNED = { distribution: 640, progress: 390 };
/** @type {Record<string, number>} */
const NOBODY = { distribution: 1044 };
export const NARROW = 480; // pixels of a chart that a tip would cover
const REACH = 28; // pixels from the pointer to a dot
const NAMED_ROWS = ["subjects", "means", "years", "forecast"]; // charts with names of rows
export const NAMES = 190; // pixels of names, at most
export const NAMES_SHARE = 0.36; // of the chart

/** Whether panels lie over the page. */
export const isSmall = () => matchMedia("(max-width: 760px)").matches;

/** @type {Record<string, View>} */
export const views = {};
/** @type {Record<string, number>} to ask for a width makes the browser lay the page out */
const fitted = {};
let printing = false;

/** @param {boolean} now */
export function setPrinting(now) {
  printing = now;
}

/** @param {string} name */
export async function draw(name) {
  const place = $(`${name}-chart`);
  if (!place || !data.specs[name]) return;
  const { view } = await vegaEmbed(place, data.specs[name], {
    mode: "vega-lite",
    renderer: "svg",
    ast: true,
    actions: false,
    defaultStyle: false,
    tooltip: false,
    hover: false,
    logLevel: 1,
  });
  views[name] = view;
}

// on one sheet of A4 charts are drawn as wide as they are printed, so that words keep their size
/** @param {string} panel */
const nobody = (panel) => data.edition !== "staff" || $(panel).classList.contains("nobody");
const sheet = () => (nobody("progress") ? NOBODY : nobody("subjects") ? NOBODY_PINNED : {});

/** @param {string} name */
export const roomFor = (name) =>
  printing ? sheet()[name] ?? ON_SHEET[name] : $(`${name}-chart`).clientWidth;

/**
 * As wide as its place; a place that is not shown has no width.
 * @param {string} name
 */
function fit(name) {
  if (fitted[name]) return;
  const room = roomFor(name);
  if (!room) return;
  fitted[name] = room;
  views[name].width(room);
  if (NAMED_ROWS.includes(name)) {
    views[name].signal("room", Math.min(NAMES, Math.round(room * NAMES_SHARE)));
  }
}

/** Rooms may have changed, with the window or for the printer. */
export function loosen() {
  for (const name of Object.keys(fitted)) delete fitted[name];
}

/**
 * @param {string} name
 * @param {Record<string, object[]>} sources
 * @param {{ height?: number, [signal: string]: unknown }} signals
 */
export function show(name, sources, { height, ...signals } = {}) {
  const view = views[name];
  if (!view) return;
  for (const [signal, value] of Object.entries(signals)) view.signal(signal, value);
  for (const [source, rows] of Object.entries(sources)) view.data(source, rows);
  if (height) view.height(height);
  fit(name);
  view.run();
}

/**
 * What is said of a dot: next to it, and where that would cover most of the chart, below the chart.
 * @param {HTMLElement} bubble
 * @param {{ offsetLeft: number, offsetTop: number }} corner
 * @param {HTMLElement} chart
 * @param {readonly number[]} place
 */
export function beside(bubble, corner, chart, [x, y]) {
  const left = corner.offsetLeft + chart.offsetLeft;
  const top = corner.offsetTop + chart.offsetTop;
  const under = chart.clientWidth < NARROW;
  const fits = x + 14 + bubble.offsetWidth <= chart.clientWidth;
  const side = fits ? x + 14 : x - 14 - bubble.offsetWidth;
  bubble.style.left = `${left + (under ? 0 : Math.max(0, side))}px`;
  bubble.style.top = `${top + (under ? chart.offsetHeight : y - bubble.offsetHeight / 2)}px`;
}

/**
 * Of the plot in its picture.
 * @param {View} view
 */
function corner(view) {
  const [left, top] = view.origin();
  const padding = view.padding();
  return [left + padding.left, top + padding.top];
}

/**
 * The nearest of these dots to the pointer, where dots are drawn at x and y.
 * @template {{ x: number, y: number }} Dot
 * @param {string} name
 * @param {readonly Dot[]} dots
 * @param {MouseEvent} event
 * @returns {Dot | null}
 */
export function nearestOf(name, dots, event) {
  const svg = /** @type {Element} */ ($(`${name}-chart`).querySelector("svg"));
  const frame = svg.getBoundingClientRect();
  const view = views[name];
  const [left, top] = corner(view);
  const [xs, ys] = [view.scale("x"), view.scale("y")];
  const [x, y] = [event.clientX - frame.left - left, event.clientY - frame.top - top];
  let best = REACH * REACH;
  let found = null;
  for (const dot of dots) {
    const away = (xs(dot.x) - x) ** 2 + (ys(dot.y) - y) ** 2;
    if (away < best) [best, found] = [away, dot];
  }
  return found;
}

/**
 * Where the pointer is: on the axes, and how many pixels below the plot.
 * @param {string} name
 * @param {MouseEvent} event
 */
export function slotOf(name, event) {
  const view = views[name];
  const svg = $(`${name}-chart`).querySelector("svg");
  if (!view || !svg) return null;
  const frame = svg.getBoundingClientRect();
  const [left, top] = corner(view);
  const [x, y] = [event.clientX - frame.left - left, event.clientY - frame.top - top];
  return { x: view.scale("x").invert(x), y, below: y - view.height() };
}

/**
 * Where it is drawn, in its chart.
 * @param {string} name
 * @param {{ x: number, y: number }} dot
 */
export function placeOf(name, dot) {
  const view = views[name];
  const [left, top] = corner(view);
  return [left + view.scale("x")(dot.x), top + view.scale("y")(dot.y)];
}

/**
 * A chart with its heading as a PNG. Pages have their colours in variables; a picture that leaves the
 * page needs them written out.
 * @param {string} name
 */
export async function savePicture(name) {
  const figure = /** @type {Element} */ ($(`${name}-chart`).closest("figure"));
  const drawn = /** @type {Element} */ (figure.querySelector("svg"));
  const svg = /** @type {Element} */ (drawn.cloneNode(true));
  const style = getComputedStyle(document.documentElement);
  const [width, height] = ["width", "height"].map((side) => Number(svg.getAttribute(side)));
  const heading = [...figure.querySelectorAll("[data-in-picture]")].map(headingOf).filter(Boolean);
  svg.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  const source = new XMLSerializer().serializeToString(svg).replace(
    /var\((--[\w-]+)\)/g,
    (_, variable) => style.getPropertyValue(variable).trim(),
  );
  const picture = new Image();
  await new Promise((done, failed) =>
    Object.assign(picture, {
      onload: done,
      onerror: failed,
      src: `data:image/svg+xml;charset=utf-8,${encodeURIComponent(source)}`,
    })
  );
  const [scale, edge, line] = [2, 16, 20];
  const canvas = el("canvas", {
    width: (width + 2 * edge) * scale,
    height: (height + (heading.length + 1) * line + edge) * scale,
  });
  const paper = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  paper.scale(scale, scale);
  paper.fillStyle = style.getPropertyValue("--paper").trim();
  paper.fillRect(0, 0, canvas.width, canvas.height);
  paper.fillStyle = style.getPropertyValue("--ink").trim();
  for (const [n, text] of heading.entries()) {
    paper.font = `${n ? "13px" : "600 16px"} ${style.fontFamily}`;
    paper.fillText(text, edge, edge + 14 + n * line, width);
  }
  paper.drawImage(picture, edge, edge + heading.length * line + 6, width, height);
  el("a", { href: canvas.toDataURL("image/png"), download: `${name}.png` }).click();
}

/** @param {Element} node */
function headingOf(node) {
  const parts = [...node.childNodes].filter((child) =>
    !(child instanceof Element && child.className === "why")
  );
  return parts.map((child) => child.textContent).join(" ").replace(/\s+/g, " ").trim();
}
