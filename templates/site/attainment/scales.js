// What points are called on the scale of a subject's qualification, and the axis that it has.

import { data } from "./data.js";
import { plain } from "./words.js";

/** @param {number} subject */
const of = (subject) => data.scales[data.scale_of[subject]];

/**
 * @param {number} subject
 * @param {number} points
 */
export const gradeIn = (subject, points) => of(subject).names[points] ?? plain(points);

/**
 * A whole grade of a subject, or of all together.
 * @param {string} subject
 * @param {number} points
 */
export const wholeIn = (subject, points) => data.scales[scaleOf(subject)].wholes[points];

/**
 * The scale of a subject, or of all together.
 * @param {string} subject
 */
export const scaleOf = (subject) => {
  const at = data.subjects.indexOf(subject);
  return at < 0 ? data.commonest : data.scale_of[at];
};

/**
 * The parameters of a chart's axis of grades.
 * @param {string} scale
 */
export const axisOf = (scale) => {
  const { top, ticks, names } = data.scales[scale];
  return { top, ticks, names };
};
