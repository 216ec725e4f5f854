// What the page is about, as it was put into it. Nothing is counted here.

/** @import { Data } from "./page.d.ts" */

/** @type {Data} */
export const data = JSON.parse(document.getElementById("data")?.textContent ?? "{}");
