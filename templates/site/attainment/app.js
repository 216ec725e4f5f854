// The attainment page: starts what the edition has. Everything that people point at, pick and filter is in
// the modules beside it, which `edu_pipeline/attainment/scripts.py` joins into one script.

import { data } from "./data.js";
import { options, selectOf } from "./dom.js";
import { choose, drawAll, on, state } from "./state.js";
import { apart, drawApart } from "./apart.js";
import { matrices } from "./matrices.js";
import { drawForecast } from "./forecast.js";
import { drawMeans, means } from "./means.js";
import { draw, loosen, savePicture, setPrinting } from "./pictures.js";
import { shareable } from "./shareable.js";
import { staff } from "./staff.js";
import { tabs } from "./tabs.js";
import { drawYears } from "./years.js";

function controls() {
  const subject = selectOf("subject");
  options(subject, data.subjects.map((name, at) => [at, name]));
  subject.addEventListener("change", () => choose({ subject: Number(subject.value) }));
  on(["subject"], () => {
    subject.value = String(state.subject);
  });
  for (const button of document.querySelectorAll("[data-print]")) {
    button.addEventListener("click", () => globalThis.print());
  }
  for (const button of document.querySelectorAll("[data-save]")) {
    button.addEventListener("click", () => savePicture(button.getAttribute("data-save") ?? ""));
  }
}

let summary = false;

/** A chart in a hidden section has no width, so those of the summary wait until it is shown. */
async function drawSummary() {
  if (state.tab !== "summary") return;
  if (!summary) await Promise.all(["means", "apart", "years", "forecast"].map(draw));
  summary = true;
  for (const part of [drawMeans, drawApart, drawYears, drawForecast]) part();
}

async function start() {
  document.documentElement.classList.add("ready");
  tabs();
  controls();
  for (const part of [means, apart, matrices]) part();
  on(["tab"], drawSummary);
  await Promise.all(["distribution", "progress", "subjects"].map(draw));
  (data.edition === "staff" ? staff : shareable)();
  drawAll();
  const again = () => {
    loosen();
    drawAll();
  };
  globalThis.addEventListener("resize", again);
  for (const event of ["beforeprint", "afterprint"]) {
    globalThis.addEventListener(event, () => {
      setPrinting(event === "beforeprint");
      again();
    });
  }
  document.documentElement.classList.add("drawn");
}

start();
