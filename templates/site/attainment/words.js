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

const FEW = 15;

/**
 * Whether an interval tells a mean from nothing, in words.
 * @param {number | null} n Null: it is not told.
 * @param {number | null} low
 * @param {number | null} high
 */
export function chance(n, low, high) {
  if (n === 1) return "one student is too few to say";
  if (low === null || high === null) return "too few to say";
  const few = n !== null && n < FEW;
  // as they are written
  const [from, to] = [low, high].map((end) => Math.round(end * 100));
  if (from <= 0 && to >= 0) {
    return few ? `${students(n)}: a difference this small may be chance` : "may be chance";
  }
  return `${from > 0 ? "above" : "below"} 0 by more than chance${few ? `, of ${students(n)}` : ""}`;
}

/** @param {readonly string[]} parts */
export const listed = (parts) =>
  parts.length > 1
    ? `${parts.slice(0, -1).join(", ")} and ${parts[parts.length - 1]}`
    : parts.join("");

/** @param {readonly (string | false | 0 | null | undefined)[]} parts What is not there is left out. */
export const sentences = (parts) => parts.filter(Boolean).join(" ");
