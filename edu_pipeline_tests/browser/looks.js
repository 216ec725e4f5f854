// What can be seen to be wrong with a page, as sentences. Runs in the page; `looks` is what tests call.
const looks = (() => {
  const round = (n) => Math.round(n * 10) / 10;
  const quoted = (text) => `“${text.trim().replace(/\s+/g, " ").slice(0, 60)}”`;

  const visible = (element) => element.checkVisibility({ opacityProperty: true, visibilityProperty: true });

  // every text that is seen, with one rectangle per line
  function texts(within = document.body) {
    const found = [];
    const walker = document.createTreeWalker(within, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      if (!node.data.replace(/[\s\u00a0]/g, "") || !visible(node.parentElement)) continue;
      const range = document.createRange();
      range.selectNodeContents(node);
      const rects = [...range.getClientRects()].filter((r) => r.width > 0.5 && r.height > 0.5);
      if (rects.length) found.push({ node, element: node.parentElement, text: node.data, rects });
    }
    return found;
  }

  function sideways() {
    const page = document.documentElement;
    return page.scrollWidth > page.clientWidth ? [`The page is ${page.scrollWidth} px wide in ${page.clientWidth}.`] : [];
  }

  // a text that leaves its cell, or something that cuts what leaves it
  function cut() {
    const problems = [];
    for (const { element, text, rects } of texts()) {
      for (let e = element; e && e !== document.body; e = e.parentElement) {
        const style = getComputedStyle(e);
        const holds = ["table-cell", "block", "list-item"].includes(style.display) || style.overflowX !== "visible";
        if (!holds || e.tagName === "SUMMARY") continue;
        const box = e.getBoundingClientRect();
        for (const r of rects) {
          if (r.left < box.left - 1 || r.right > box.right + 1) {
            problems.push(`${quoted(text)} is at ${round(r.left)}–${round(r.right)} in <${e.tagName.toLowerCase()} class="${e.className}"> at ${round(box.left)}–${round(box.right)}.`);
          }
          if (style.overflowY !== "visible" && (r.top < box.top - 1 || r.bottom > box.bottom + 1)) {
            problems.push(`${quoted(text)} is cut by <${e.tagName.toLowerCase()} class="${e.className}"> at its top or bottom.`);
          }
        }
      }
    }
    return [...new Set(problems)];
  }

  function overlapping() {
    const all = texts();
    for (const image of document.images) {
      const box = image.getBoundingClientRect();
      if (visible(image) && box.width) all.push({ element: image, text: `picture ${image.className}`, rects: [box] });
    }
    const boxes = all.flatMap((t) => t.rects.map((r) => ({ ...t, r })));
    const problems = [];
    for (let a = 0; a < boxes.length; a += 1) {
      for (let b = a + 1; b < boxes.length; b += 1) {
        const [p, q] = [boxes[a].r, boxes[b].r];
        const across = Math.min(p.right, q.right) - Math.max(p.left, q.left);
        const down = Math.min(p.bottom, q.bottom) - Math.max(p.top, q.top);
        if (across > 1 && down > 2) problems.push(`${quoted(boxes[a].text)} and ${quoted(boxes[b].text)} overlap by ${round(across)} × ${round(down)} px.`);
      }
    }
    return problems;
  }

  // names may break anywhere, but not into a column of letters
  function squeezed() {
    return texts()
      .map(({ text, rects }) => ({ text, lines: new Set(rects.map((r) => Math.round(r.top / 8))).size }))
      .filter(({ text, lines }) => lines > 3 && text.trim().length / lines < 5)
      .map(({ text, lines }) => `${quoted(text)} is broken into ${lines} lines.`);
  }

  function figures() {
    const problems = [];
    for (const cell of document.querySelectorAll("td.figure")) {
      const lines = texts(cell).flatMap(({ rects }) => rects);
      if (lines.length && Math.max(...lines.map((r) => r.top)) > Math.min(...lines.map((r) => r.bottom)) - 4) problems.push(`${quoted(cell.textContent)} is on more than one line.`);
      if (getComputedStyle(cell).textAlign !== "right") problems.push(`${quoted(cell.textContent)} is not aligned right.`);
    }
    for (const table of document.querySelectorAll("table")) {
      const rows = [...table.rows].filter((row) => row.closest("table") === table && row.querySelector(":scope > td.figure"));
      const edges = rows.map((row) => [...row.querySelectorAll(":scope > td.figure")].map((cell) => round(cell.getBoundingClientRect().right)).join());
      if (new Set(edges).size > 1) problems.push("The columns of a table do not line up.");
    }
    return problems;
  }

  function colour(css) {
    const [r, g, b, a = 1] = css.match(/[\d.]+/g).map(Number);
    return { r, g, b, a };
  }

  function over(top, below) {
    const mix = (c) => top[c] * top.a + below[c] * (1 - top.a);
    return { r: mix("r"), g: mix("g"), b: mix("b"), a: 1 };
  }

  function background(element) {
    const layers = [];
    for (let e = element; e; e = e.parentElement) {
      const layer = colour(getComputedStyle(e).backgroundColor);
      if (layer.a > 0) layers.unshift(layer);
      if (layer.a === 1) break;
    }
    const canvas = matchMedia("(prefers-color-scheme: dark)").matches ? { r: 18, g: 18, b: 18, a: 1 } : { r: 255, g: 255, b: 255, a: 1 };
    return layers.reduce((below, top) => over(top, below), canvas);
  }

  function luminance({ r, g, b }) {
    const [x, y, z] = [r, g, b].map((c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  }

  // WCAG 2.2, 1.4.3: level AA for small text
  function contrast(imagesOff) {
    const seen = texts();
    if (imagesOff) for (const image of document.images) seen.push({ element: image, text: image.alt });
    const problems = [];
    for (const { element, text } of seen) {
      const paper = background(element);
      const style = getComputedStyle(element);
      const ink = over(colour(element.closest("svg") ? style.fill : style.color), paper);
      const [light, dark] = [luminance(ink), luminance(paper)].sort((a, b) => b - a);
      const ratio = (light + 0.05) / (dark + 0.05);
      if (ratio < 4.5) problems.push(`${quoted(text)} has a contrast of ${round(ratio)}.`);
    }
    return [...new Set(problems)];
  }

  // Latin letters and digits run from left to right, whatever stands before them on the line
  function reordered() {
    const problems = [];
    for (const { node, element, text } of texts()) {
      if (element.closest('[dir="auto"]')) continue;
      let before = null;
      // between isolates, a name runs as it will
      const names = [...text.matchAll(/\u2068[^\u2069]*\u2069/g)].map((m) => [m.index, m.index + m[0].length]);
      for (const match of text.matchAll(/[\p{L}\d]/gu)) {
        const runs = /[\p{Script=Latin}\d]/u.test(match[0]) && !names.some(([from, to]) => from < match.index && match.index < to);
        const range = document.createRange();
        range.setStart(node, match.index);
        range.setEnd(node, match.index + match[0].length);
        const r = range.getBoundingClientRect();
        if (!r.width) continue;
        const inLine = before && Math.abs(before.top - r.top) < 4;
        if (runs && inLine && r.left < before.left) {
          problems.push(`${quoted(text.slice(Math.max(0, match.index - 20)))} is not in the order it is written.`);
          break;
        }
        if (!inLine || r.left > before.left) before = r;
      }
    }
    return problems;
  }

  // the line on which a student's name ends, and the dash and the reason after it
  function names() {
    return [...document.querySelectorAll(".who")].map((who) => {
      const after = who.nextSibling;
      const at = (from, to) => {
        const range = document.createRange();
        range.setStart(after, from);
        range.setEnd(after, to);
        return range.getBoundingClientRect();
      };
      const dash = at(after.data.indexOf("–"), after.data.indexOf("–") + 1);
      const first = after.data.search(/[\p{L}\d]/u);
      const reason = at(first, first + 1);
      const inLine = [...who.getClientRects()].filter((r) => Math.abs(r.top - dash.top) < 8);
      return {
        name: who.textContent,
        dir: who.getAttribute("dir"),
        nameEnd: Math.max(0, ...inLine.map((r) => r.right)),
        dash: dash.left,
        dashEnd: dash.right,
        reason: Math.abs(reason.top - dash.top) < 8 ? reason.left : null,
      };
    });
  }

  // pictures that are not shown: is their box as large as their words?
  function altTexts() {
    return [...document.images].map((image) => {
      const copy = document.createElement("div");
      copy.style.cssText = image.style.cssText;
      const style = getComputedStyle(image);
      copy.style.font = style.font;
      copy.style.width = `${image.getBoundingClientRect().width - 2}px`;
      copy.style.height = "auto";
      copy.textContent = image.alt;
      image.parentElement.append(copy);
      const needed = copy.getBoundingClientRect().height;
      copy.remove();
      return { alt: image.alt, width: image.getBoundingClientRect().width, height: image.getBoundingClientRect().height, needed };
    });
  }

  return { sideways, cut, overlapping, squeezed, figures, contrast, reordered, names, altTexts };
})();
globalThis.looks = looks;
