// The attainment page: starts what the edition has. Everything that people point at, pick and filter is in
// the modules beside it, which `edu_pipeline/attainment/scripts.py` joins into one script.

import { data } from "./data.js";
import { options, selectOf } from "./dom.js";
import { change, drawAll, on, state } from "./state.js";
import { apart, drawApart } from "./apart.js";
import { drawMatrix, matrices } from "./matrices.js";
import { drawMeans, means } from "./means.js";
import { draw, fitAll, savePicture, setPrinting } from "./pictures.js";
import { shareable } from "./shareable.js";
import { staff } from "./staff.js";
import { tabs } from "./tabs.js";

function controls() {
  const subject = selectOf("subject");
  options(subject, data.subjects.map((name, at) => [at, name]));
  subject.addEventListener(
    "change",
    () => change({ hovered: null, series: null, subject: Number(subject.value) }),
  );
  on(["subject"], () => {
    subject.value = String(state.subject);
  });
  for (const button of document.querySelectorAll("[data-save]")) {
    button.addEventListener("click", () => savePicture(button.getAttribute("data-save") ?? ""));
  }
  for (const button of document.querySelectorAll("[data-print]")) {
    button.addEventListener("click", () => globalThis.print());
  }
}

async function start() {
  document.documentElement.classList.add("ready");
  controls();
  for (const part of [data.edition === "staff" ? staff : shareable, means, apart, matrices]) part();
  await Promise.all(["distribution", "progress", "subjects"].map(draw));
  drawAll();
  let summary = false;
  const refit = () => {
    fitAll();
    drawAll();
    if (summary) { for (const part of [drawMeans, drawApart]) part(); }
  };
  tabs(async (section) => {
    // a chart in a hidden section has no width
    if (section === "summary" && !summary) {
      await Promise.all(["means", "apart"].map(draw));
      summary = true;
      drawMatrix();
    }
    refit();
  });
  globalThis.addEventListener("resize", refit);
  for (const event of ["beforeprint", "afterprint"]) {
    globalThis.addEventListener(event, () => {
      setPrinting(event === "beforeprint");
      refit();
    });
  }
  document.documentElement.classList.add("drawn");
}

start();
