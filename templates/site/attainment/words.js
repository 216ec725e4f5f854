// How numbers, grades and outcomes are written. Nothing here knows the page.

export const OUTCOMES = /** @type {const} */ (["below", "met", "exceeded"]);
export const SYMBOL = { below: "▼", met: "●", exceeded: "▲", none: "◆" };

/** @param {readonly number[]} numbers */
export const sum = (numbers) => numbers.reduce((a, b) => a + b, 0);

/** @param {number} number */
export const plain = (number) => String(Math.round(number * 100) / 100).replace("-", "−");

/** @param {number} number */
export const count = (number) => number.toLocaleString("en-GB");

/** @param {number} number */
export const students = (number) => `${count(number)} ${number === 1 ? "student" : "students"}`;

/** @param {number} number */
export const signed = (number) => (number > 0 ? `+${plain(number)}` : plain(number));

/** @param {number} share */
export const percent = (share) =>
  share > 0 && share < 0.005 ? "<1 %" : `${Math.round(100 * share)} %`;

/** @param {readonly string[]} parts */
export const listed = (parts) =>
  parts.length > 1
    ? `${parts.slice(0, -1).join(", ")} and ${parts[parts.length - 1]}`
    : parts.join("");

/** @param {readonly (string | false | 0 | null | undefined)[]} parts What is not there is left out. */
export const sentences = (parts) => parts.filter(Boolean).join(" ");
