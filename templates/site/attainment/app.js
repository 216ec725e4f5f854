// The attainment page: what people point at, pick and filter, and what is drawn then.
// Reads the page's data block, touches no network, and builds every node itself, so that a name is never markup.
"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const DOTS_AT_MOST = 400; // per series; drawing more is what makes a page slow
  const ROWS_AT_MOST = 300; // of a table, until asked for all
  // pixels on a sheet; panels of nobody are not printed, and the others have their room
  const ON_SHEET = { distribution: 400, progress: 280, subjects: 340, means: 480, apart: 480 };
  const NOBODY_PINNED = { distribution: 640, progress: 390 };
  const NOBODY = { distribution: 1044 };
  const NARROW = 480; // pixels of a chart that a tip would cover
  const REACH = 28; // pixels from the pointer to a dot
  const SYMBOL = { below: "▼", met: "●", exceeded: "▲", none: "◆" };
  const AGAINST_BASELINE = { below: "below", met: "met", exceeded: "exceeded" };
  const AGAINST_SERIES = { below: "lower", met: "the same", exceeded: "higher" };

  const $ = (id) => document.getElementById(id);
  const sum = (numbers) => numbers.reduce((a, b) => a + b, 0);
  const plain = (number) => String(Math.round(number * 100) / 100).replace("-", "−");
  const count = (number) => number.toLocaleString("en-GB");
  const students = (number) => `${count(number)} ${number === 1 ? "student" : "students"}`;
  const signed = (number) => (number > 0 ? `+${plain(number)}` : plain(number));
  const grade = (points) => (points === 0 ? "U" : plain(points));
  const percent = (share) => (share > 0 && share < 0.005 ? "<1 %" : `${Math.round(100 * share)} %`);
  const listed = (parts) => (parts.length > 1 ? `${parts.slice(0, -1).join(", ")} and ${parts[parts.length - 1]}` : parts.join(""));

  function el(tag, attributes = {}, ...children) {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
      else if (value !== null && value !== undefined && value !== false) node.setAttribute(name, value === true ? "" : value);
    }
    node.append(...children.filter((child) => child !== null && child !== undefined));
    return node;
  }

  const fill = (node, ...children) => node.replaceChildren(...children.filter((child) => child !== null && child !== undefined));

  function options(select, entries) {
    fill(select, ...entries.map(([value, text]) => el("option", { value }, text)));
  }

  // --- tables -------------------------------------------------------------------------------------------------------

  // columns: {head, number, cell(row) -> text or node, by(row) -> what it is sorted by}
  function table(caption, columns, rows) {
    let sorted = null;
    let all = rows.length <= ROWS_AT_MOST;
    const body = el("tbody");
    const more = el("p", { class: "more" });
    const heads = columns.map((column, at) => {
      const by = column.by ? el("button", { type: "button", class: "sort", onclick: () => sort(at) }, column.head) : column.head;
      return el("th", { scope: "col", class: column.number ? "figure" : null }, by);
    });
    function sort(at) {
      sorted = { at, down: sorted && sorted.at === at ? !sorted.down : false };
      heads.forEach((head, n) => (n === at ? head.setAttribute("aria-sort", sorted.down ? "descending" : "ascending") : head.removeAttribute("aria-sort")));
      show();
    }
    function show() {
      let order = rows;
      if (sorted) {
        const { by } = columns[sorted.at];
        const rank = (row) => by(row) ?? null;
        order = [...rows].sort((a, b) => {
          const [x, y] = [rank(a), rank(b)];
          if (x === null || y === null) return (x === null) - (y === null); // what is not there comes last
          const order_ = typeof x === "string" ? x.localeCompare(y) : x - y;
          return sorted.down ? -order_ : order_;
        });
      }
      fill(body, ...(all ? order : order.slice(0, ROWS_AT_MOST)).map((row) => el("tr", {}, ...columns.map((column, at) => el(at ? "td" : "th", { scope: at ? null : "row", class: column.number ? "figure" : null }, column.cell(row))))));
      fill(more, ...(all ? [] : [`${count(ROWS_AT_MOST)} of ${count(rows.length)} rows. `, el("button", { type: "button", onclick: () => ((all = true), show()) }, "Show all")]));
    }
    show();
    return el("div", {}, el("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": caption }, el("table", {}, el("caption", {}, caption), el("thead", {}, el("tr", {}, ...heads)), body)), more);
  }

  // a table is built when somebody opens it, and again when what is drawn changes while it is open
  function tableView(id, build) {
    const details = $(id);
    if (!details) return () => {};
    const place = details.querySelector("div");
    const show = () => (details.open ? fill(place, ...build()) : undefined);
    details.addEventListener("toggle", show);
    return show;
  }

  // --- charts -------------------------------------------------------------------------------------------------------

  const views = {};
  const ROWS = ["subjects", "means"]; // charts with names of rows
  let printing = false;

  async function draw(name) {
    const place = $(`${name}-chart`);
    if (!place || !data.specs[name]) return null;
    const { view } = await vegaEmbed(place, data.specs[name], { mode: "vega-lite", renderer: "svg", ast: true, actions: false, defaultStyle: false, tooltip: false, hover: false, logLevel: 1 });
    views[name] = view;
    return view;
  }

  // a place that is not shown has no width
  function fit(name) {
    const room = roomFor(name);
    if (room) views[name].width(room);
    if (room && ROWS.includes(name)) views[name].signal("room", Math.min(190, Math.round(room * 0.36)));
    return room;
  }

  // on one sheet of A4 charts are drawn as wide as they are printed, so that words keep their size
  const nobody = (panel) => data.edition !== "staff" || $(panel).classList.contains("nobody");
  const sheet = () => (nobody("progress") ? NOBODY : nobody("subjects") ? NOBODY_PINNED : {});
  const roomFor = (name) => (printing ? sheet()[name] ?? ON_SHEET[name] : $(`${name}-chart`).clientWidth);

  function show(name, sources, { height, ...signals } = {}) {
    const view = views[name];
    if (!view) return;
    for (const [signal, value] of Object.entries(signals)) view.signal(signal, value);
    for (const [source, rows] of Object.entries(sources)) view.data(source, rows);
    if (height) view.height(height);
    fit(name);
    view.run();
  }

  // What is said of a dot: next to it, and where that would cover most of the chart, below the chart.
  function beside(bubble, corner, chart, x, y) {
    const [left, top] = [corner.offsetLeft + chart.offsetLeft, corner.offsetTop + chart.offsetTop];
    const under = chart.clientWidth < NARROW;
    const side = x + 14 + bubble.offsetWidth <= chart.clientWidth ? x + 14 : x - 14 - bubble.offsetWidth;
    bubble.style.left = `${left + (under ? 0 : Math.max(0, side))}px`;
    bubble.style.top = `${top + (under ? chart.offsetHeight : y - bubble.offsetHeight / 2)}px`;
  }

  // of the plot in its picture
  function corner(view) {
    const [left, top] = view.origin();
    const padding = view.padding();
    return [left + padding.left, top + padding.top];
  }

  // the nearest of these dots to the pointer, where dots are drawn at x and y
  function nearestOf(name, dots, event) {
    const frame = $(`${name}-chart`).querySelector("svg").getBoundingClientRect();
    const view = views[name];
    const [left, top] = corner(view);
    const [xs, ys] = [view.scale("x"), view.scale("y")];
    const [x, y] = [event.clientX - frame.left - left, event.clientY - frame.top - top];
    let [best, found] = [REACH * REACH, null];
    for (const dot of dots) {
      const away = (xs(dot.x) - x) ** 2 + (ys(dot.y) - y) ** 2;
      if (away < best) [best, found] = [away, dot];
    }
    return found;
  }

  // where it is drawn, in its chart
  function placeOf(name, dot) {
    const view = views[name];
    const [left, top] = corner(view);
    return [left + view.scale("x")(dot.x), top + view.scale("y")(dot.y)];
  }

  // Pages have their colours in variables; a picture that leaves the page needs them written out.
  async function savePicture(name) {
    const figure = $(`${name}-chart`).closest("figure");
    const svg = figure.querySelector("svg").cloneNode(true);
    const style = getComputedStyle(document.documentElement);
    const [width, height] = ["width", "height"].map((side) => Number(svg.getAttribute(side)));
    const heading = [...figure.querySelectorAll("[data-in-picture]")].map((node) => [...node.childNodes].filter((child) => child.className !== "why").map((child) => child.textContent).join(" ").replace(/\s+/g, " ").trim()).filter(Boolean);
    svg.setAttribute("xmlns", "http://www.w3.org/2000/svg");
    const source = new XMLSerializer().serializeToString(svg).replace(/var\((--[\w-]+)\)/g, (_, variable) => style.getPropertyValue(variable).trim());
    const picture = new Image();
    await new Promise((done, failed) => Object.assign(picture, { onload: done, onerror: failed, src: `data:image/svg+xml;charset=utf-8,${encodeURIComponent(source)}` }));
    const [scale, edge, line] = [2, 16, 20];
    const canvas = el("canvas", { width: (width + 2 * edge) * scale, height: (height + (heading.length + 1) * line + edge) * scale });
    const paper = canvas.getContext("2d");
    paper.scale(scale, scale);
    paper.fillStyle = style.getPropertyValue("--paper").trim();
    paper.fillRect(0, 0, canvas.width, canvas.height);
    paper.fillStyle = style.getPropertyValue("--ink").trim();
    heading.forEach((text, n) => {
      paper.font = `${n ? "13px" : "600 16px"} ${style.fontFamily}`;
      paper.fillText(text, edge, edge + 14 + n * line, width);
    });
    paper.drawImage(picture, edge, edge + heading.length * line + 6, width, height);
    el("a", { href: canvas.toDataURL("image/png"), download: `${name}.png` }).click();
  }

  // --- grades of one subject ----------------------------------------------------------------------------------------

  // Hyndman & Fan's type 7, as pandas and Excel's QUARTILE.INC have it
  function quantile(ordered, share) {
    const at = (ordered.length - 1) * share;
    const low = Math.floor(at);
    return ordered[low] + (at - low) * ((ordered[low + 1] ?? ordered[low]) - ordered[low]);
  }

  function box(values) {
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

  // the n-th of places that fill 0 to 1 evenly, however many are taken (Halton)
  function evenly(n, base) {
    let [place, share] = [0, 1];
    for (let rest = n; rest; rest = Math.floor(rest / base)) {
      share /= base;
      place += (rest % base) * share;
    }
    return place;
  }

  // offsets from the place of the grade: wide where many have about the same one, none where nobody else has; where very
  // many have the very same, a little up and down as well, so that dots can be told apart
  function jitter(points) {
    const { spread, lift, crowd } = data.dots;
    const near = points.map((p) => points.reduce((n, other) => n + (Math.abs(other - p) <= 0.25), 0));
    const most = Math.max(12, ...near);
    const order = points.map((_, n) => n).sort((a, b) => points[a] - points[b]);
    const offsets = new Array(points.length);
    order.forEach((n, rank) => {
      const [across, up] = [2, 3].map((base) => evenly(rank + 1, base) - 0.5);
      offsets[n] = [near[n] === 1 ? 0 : across * spread * Math.sqrt(near[n] / most), near[n] > crowd && Number.isInteger(2 * points[n]) ? up * lift : 0];
    });
    return offsets;
  }

  const boxColumns = [
    { head: "Series", cell: (row) => row.series },
    { head: "Results", number: true, cell: (row) => (row.n !== null ? count(row.n) : row.median === null ? "too few to show" : "not told") },
    ...[["Lowest", "low"], ["Lower quartile", "q1"], ["Median", "median"], ["Upper quartile", "q3"], ["Highest", "high"], ["Mean", "mean"]].map(([head, key]) => ({
      head,
      number: true,
      cell: (row) => (row[key] === null || row[key] === undefined ? "" : key === "mean" ? plain(row[key]) : grade(row[key])),
    })),
    { head: "Absent", number: true, cell: (row) => (row.absent === null || row.absent === undefined ? "" : count(row.absent)) },
  ];

  function boxTable(rows) {
    const shown = boxColumns.filter(({ head }) => !["Lowest", "Highest", "Mean", "Absent"].includes(head) || rows.some((row) => boxColumns.find((c) => c.head === head).cell(row) !== ""));
    return table("Grades in each series", shown, rows);
  }

  // --- staff: every student -----------------------------------------------------------------------------------------

  function staff() {
    const { rows, series, final, baseline } = data;
    const sat = series.map((_, at) => at).filter((at) => at !== baseline);
    const rounds = data.rounding !== "none";
    const absent = rows.absent.map((list) => new Set(list));
    const bySubject = data.subjects.map(() => []);
    const byStudent = data.students.map(() => []);
    rows.student.forEach((student, row) => {
      bySubject[rows.subject[row]].push(row);
      byStudent[student].push(row);
    });
    const state = { subject: 0, comparison: 0, group: null, matched: false, hovered: null, last: null, pinned: null, series: null };
    const comparisons = menu();
    let dots = []; // what can be pointed at: {row, series, x, y}
    let drawn = [];

    function menu() {
      const found = [];
      const provisional = !rows.compared.includes(final);
      if (baseline !== null) {
        const stands = [...new Set(rows.compared.filter((at) => at >= 0))].sort((a, b) => b - a);
        if (provisional && stands.length) found.push({ top: "compared", base: baseline, label: `${series[stands[0]]} against ${series[baseline]}; ${series[final]} not sat` });
        else found.push({ top: "compared", base: baseline, label: `${series[final]} against ${series[baseline]}${stands.length > 1 ? "; the newest before it where it is not sat" : ""}` });
      }
      const there = (at) => rows.points[at].some((points) => points !== null);
      for (const base of [baseline, ...sat]) {
        if (base === null || !there(base)) continue;
        for (const top of [...sat].reverse()) {
          const known = found.some((one) => one.base === base && one.label.startsWith(`${series[top]} against`));
          if (top !== base && there(top) && !known && (base === baseline || top > base)) found.push({ top, base, label: `${series[top]} against ${series[base]}` });
        }
      }
      const newest = [...sat].reverse().find(there) ?? sat[0];
      return found.length ? found : [{ top: newest, base: null, label: `${series[newest]}, nothing to compare it with` }];
    }

    // what is compared in these rows, which may be of a subject that is still waiting for the final
    function labelOf(chosen) {
      const { top, base, label } = comparisons[state.comparison];
      const [at, ...others] = top === "compared" ? new Set(chosen.map((row) => rows.compared[row]).filter((each) => each >= 0)) : [];
      if (at === undefined || others.length) return label;
      return `${series[at]} against ${series[base]}${at === final ? "" : `; ${series[final]} not sat`}`;
    }

    // what a row's result is against what, and what came of it
    function compare(row) {
      const { top: which, base: against } = comparisons[state.comparison];
      const at = which === "compared" ? rows.compared[row] : which;
      const top = at < 0 ? null : rows.points[at][row];
      const base = against === null ? null : against === baseline ? rows.against[row] : rows.points[against][row];
      const found = { at, top, base, against, provisional: which === "compared" && at >= 0 && at !== final, outcome: "none", difference: null };
      if (top !== null && base !== null) {
        found.difference = top - base;
        const tolerance = against === baseline ? data.tolerance : 0;
        found.outcome = Math.abs(found.difference) <= tolerance + 1e-9 ? "met" : found.difference < 0 ? "below" : "exceeded";
      }
      return found;
    }

    // why a result and what it is held against are not compared
    function whyNot(row) {
      const { at, top, base, against } = compare(row);
      if (against === null || (top !== null && base !== null)) return [];
      const gone = (series_) => (absent[series_].has(row) ? `absent in ${series[series_]}` : `no ${series[series_]}`);
      return [...(top === null ? [gone(at < 0 ? final : at)] : []), ...(base === null ? [gone(against)] : [])];
    }

    // 28 not compared (no BASELINE); 30 not compared (28 no BASELINE, 2 no GCSE)
    function notCompared(chosen) {
      const reasons = new Map();
      for (const row of chosen) {
        const why = listed(whyNot(row));
        reasons.set(why, (reasons.get(why) ?? 0) + 1);
      }
      const parts = [...reasons].sort(([, a], [, b]) => b - a).map(([why, n]) => (reasons.size > 1 ? `${count(n)} ${why}` : why));
      return `${count(chosen.length)} not compared${parts.some(Boolean) ? ` (${parts.join(", ")})` : ""}`;
    }

    const word = (found) => (found.against === baseline ? AGAINST_BASELINE : AGAINST_SERIES)[found.outcome];

    const rounded = (row, found) => found.base !== null && found.against === baseline && rows.points[baseline][row] !== found.base;

    // BASELINE; expected 6 (BASELINE 5.5) where baselines are rounded before comparing
    function standard(row, found) {
      return rounded(row, found) ? `expected ${grade(found.base)} (${series[baseline]} ${grade(rows.points[baseline][row])})` : series[found.against];
    }

    // ▼ 1.4 below BASELINE
    function said(row, found) {
      const size = Math.abs(found.difference) > 1e-9 ? `${plain(Math.abs(found.difference))} ` : "";
      const toBaseline = { below: `${size}below`, met: size ? `met, ${size}off` : "met", exceeded: `${size}above` };
      const toSeries = { below: `${size}lower than`, met: "the same as", exceeded: `${size}higher than` };
      return `${SYMBOL[found.outcome]} ${(found.against === baseline ? toBaseline : toSeries)[found.outcome]} ${standard(row, found)}`;
    }

    function verdict(row, found = compare(row)) {
      if (found.top === null) return "no result to compare";
      if (found.base === null) return found.against === null ? "nothing to compare with" : `no ${series[found.against]} to compare with`;
      return `${said(row, found)}${found.provisional ? ` so far: provisional, ${series[found.at]} stands in, ${series[final]} not sat` : ""}`;
    }

    function received(row, at) {
      const points = rows.points[at][row];
      if (absent[at].has(row)) return "absent";
      if (points === null) return "–";
      const text = data.received[at] && data.received[at][row];
      return text ? `${text} (${grade(points)})` : grade(points);
    }

    const inGroup = (row) => {
      if (!state.group) return true;
      const group = data.groups[state.group[0]];
      return group.of[group.per === "row" ? row : rows.student[row]] === state.group[1];
    };

    function scope() {
      const taking = bySubject[state.subject];
      const inside = taking.filter(inGroup);
      const held = series.map((_, at) => at).filter((at) => taking.some((row) => rows.points[at][row] !== null));
      const why = (row) => held.filter((at) => rows.points[at][row] === null).map((at) => (absent[at].has(row) ? `absent in ${series[at]}` : `no ${series[at]}`));
      const gaps = inside.map((row) => [row, why(row)]).filter(([, reasons]) => reasons.length);
      const missing = new Set(gaps.map(([row]) => row));
      const nothing = new Set(gaps.filter(([, reasons]) => reasons.length === held.length).map(([row]) => row));
      // what is compared may be missing though nobody of the subject has it
      const left = new Set(inside.filter((row) => !(state.matched ? missing : nothing).has(row)).filter((row) => whyNot(row).length));
      const gapOf = new Map(gaps.map((gap) => [gap[0], gap]));
      for (const row of left) {
        const gap = gapOf.get(row);
        if (gap) gap[1] = [...new Set([...gap[1], ...whyNot(row)])];
        else gaps.push([row, whyNot(row)]);
      }
      return { taking, left, inside, held, gaps, out: state.matched ? missing : nothing, rows: inside.filter((row) => !(state.matched ? missing : nothing).has(row)) };
    }

    // --- the chart of a subject

    function labels(boxes, chosen) {
      return series.map((name, at) => {
        const gone = chosen.filter((row) => absent[at].has(row)).length;
        return [name, boxes[at] ? count(boxes[at].n) : "none", gone ? `${count(gone)} absent` : ""];
      });
    }

    function drawSubject() {
      const chosen = scope();
      drawn = chosen.rows;
      const values = series.map((_, at) => drawn.map((row) => rows.points[at][row]).filter((points) => points !== null));
      const boxes = values.map((points) => (points.length ? box(points) : null));
      // the same students in every series, evenly over the list
      const step = Math.max(1, drawn.length / DOTS_AT_MOST);
      const dotted = step === 1 ? drawn : Array.from({ length: DOTS_AT_MOST }, (_, n) => drawn[Math.floor(n * step)]);
      dots = series.flatMap((_, at) => {
        const there = dotted.filter((row) => rows.points[at][row] !== null);
        const offsets = jitter(there.map((row) => rows.points[at][row]));
        return there.map((row, n) => ({ row, series: at, x: at + offsets[n][0], y: rows.points[at][row] + offsets[n][1] }));
      });
      show("distribution", {
        boxes: boxes.map((one, at) => one && { x: at, ...one }).filter(Boolean),
        dots: dots.map(({ x, y }) => ({ x, y })),
        marked: [],
      }, { labels: labels(boxes, chosen.inside) });
      views.distribution.boxes = boxes;

      const subject = data.subjects[state.subject];
      $("distribution-title").textContent = `${subject}: ${students(drawn.length)}`;
      const found = drawn.map(compare);
      const number = (outcome) => found.filter((one) => one.outcome === outcome).length;
      const words = comparisons[state.comparison].base === baseline ? AGAINST_BASELINE : AGAINST_SERIES;
      const stands = found.filter((one) => one.provisional && one.outcome !== "none").length;
      fill(
        $("outcomes"),
        el("span", { class: "against" }, `${labelOf(drawn)}: `),
        ...["below", "met", "exceeded"].map((outcome) => el("span", { class: `outcome ${outcome}` }, `${SYMBOL[outcome]} ${count(number(outcome))} ${words[outcome]}`)),
        number("none") ? el("span", { class: "outcome none" }, notCompared(drawn.filter((_, n) => found[n].outcome === "none"))) : null,
        stands ? el("span", { class: "provisional" }, `Provisional: ${series[final]} is not sat by ${stands === found.length - number("none") ? "any of them" : count(stands)}; the newest series before it stands in.`) : null,
      );
      notes(chosen, dotted.length);
      mark();
      distributionTable();
    }

    function notes(chosen, dotted) {
      const subject = data.subjects[state.subject];
      const group = state.group && data.groups[state.group[0]];
      const parts = [
        `${students(chosen.taking.length)} of ${count(data.students.length)} ${chosen.taking.length === 1 ? "takes" : "take"} ${subject}.`,
        data.only_baseline[state.subject] ? `${students(data.only_baseline[state.subject])} with a ${series[baseline]} in it and no exam ${data.only_baseline[state.subject] === 1 ? "is" : "are"} left out.` : null,
        group ? `Shown: ${group.name} ${group.values[state.group[1]]}, ${count(chosen.inside.length)} of them.` : null,
        state.matched ? `Matched: only those with a result in each of ${listed(chosen.held.map((at) => series[at]))}.` : "Series may have different students; switch on “matched only” to compare like with like.",
        dotted < drawn.length ? `A dot for ${count(dotted)} of ${count(drawn.length)} students, evenly over the list; boxes are of all. Search finds everybody.` : null,
      ];
      fill($("distribution-notes"), ...parts.filter(Boolean).flatMap((part) => [part, " "]));
      const missing = chosen.gaps.filter(([row, reasons]) => !chosen.out.has(row) && chosen.held.some((at) => rows.points[at][row] === null)).length;
      const head = [chosen.out.size ? `${students(chosen.out.size)} left out` : "Nobody left out", missing ? `${count(missing)} missing in some series` : "", chosen.left.size ? notCompared([...chosen.left]) : ""];
      $("left-out").hidden = !chosen.gaps.length;
      $("nobody-left-out").hidden = Boolean(chosen.gaps.length);
      $("left-out").querySelector("summary").textContent = `${head.filter(Boolean).join("; ")}: who and why`;
      const line = ([row, reasons]) => el("li", {}, data.students[rows.student[row]], ` – ${chosen.held.every((at) => rows.points[at][row] === null) ? "no result in any series" : listed(reasons)}${chosen.out.has(row) ? "; left out" : chosen.left.has(row) ? "; not compared" : ""}`);
      const order = [...chosen.gaps].sort(([a], [b]) => chosen.out.has(b) - chosen.out.has(a) || rows.student[a] - rows.student[b]);
      fill($("left-out").querySelector("ul"), ...order.slice(0, ROWS_AT_MOST).map(line), order.length > ROWS_AT_MOST ? el("li", {}, `and ${count(order.length - ROWS_AT_MOST)} more`) : null);
    }

    const nameButton = (student) => el("button", { type: "button", class: "name", "aria-pressed": state.pinned === student, onclick: () => pin(student) }, data.students[student]);

    const distributionTable = tableView("distribution-table", () => {
      const boxes = views.distribution.boxes.map((one, at) => ({ series: series[at], absent: drawn.filter((row) => absent[at].has(row)).length, ...(one || { n: 0 }) }));
      const order = [...drawn].sort((a, b) => rows.student[a] - rows.student[b]);
      const cells = [
        { head: "Student", cell: (row) => nameButton(rows.student[row]), by: (row) => data.students[rows.student[row]] },
        ...series.map((head, at) => ({ head, number: true, cell: (row) => received(row, at), by: (row) => rows.points[at][row] })),
        { head: "Difference", number: true, cell: (row) => (compare(row).difference === null ? "" : signed(compare(row).difference)), by: (row) => compare(row).difference },
        { head: labelOf(drawn), cell: (row) => outcomeCell(row), by: (row) => word(compare(row)) ?? null },
      ];
      return [boxTable(boxes), table(`${$("distribution-title").textContent}`, cells, order)];
    });

    function outcomeCell(row) {
      const found = compare(row);
      if (found.outcome === "none") return verdict(row);
      return el("span", { class: `outcome ${found.outcome}` }, `${SYMBOL[found.outcome]} ${word(found)}${found.provisional ? " (provisional)" : ""}`);
    }

    // --- pointing at somebody

    const rowOf = (student) => (student === null ? undefined : byStudent[student].find((row) => rows.subject[row] === state.subject));

    function mark() {
      const shownStudent = state.hovered ?? state.pinned;
      const marked = [];
      for (const student of new Set([state.pinned, state.hovered])) {
        const row = rowOf(student);
        if (student === null || row === undefined) continue;
        const found = compare(row);
        series.forEach((_, at) => {
          if (rows.points[at][row] === null) return;
          const dot = dots.find((one) => one.row === row && one.series === at);
          // only the series that is compared carries its outcome
          const result = at === found.at && found.outcome !== "none";
          marked.push({ x: dot ? dot.x : at, y: dot ? dot.y : rows.points[at][row], outcome: result ? found.outcome : "none", size: student === shownStudent ? 210 : 110 });
        });
      }
      show("distribution", { marked });
    }

    function person() {
      if (state.hovered !== null) return [state.hovered, "Hovering:"];
      if (state.pinned !== null) return [state.pinned, "Pinned:"];
      return [state.last, "Last hovered:"];
    }

    function drawProgress() {
      const [student, why] = person();
      const subject = data.subjects[state.subject];
      const empty = { line: [], points: [], reference: [], range: [] };
      $("progress").classList.toggle("nobody", student === null);
      if (student === null) {
        fill($("progress-title"), "Nobody yet");
        $("progress-verdict").textContent = "Hover a dot, tap it, or search for a student: their progress through the series appears here.";
        $("progress-notes").textContent = "";
        return show("progress", empty);
      }
      fill($("progress-title"), el("span", { class: "why" }, `${why} `), data.students[student]);
      const row = rowOf(student);
      if (row === undefined) {
        $("progress-verdict").textContent = `${data.students[student]} does not take ${subject}.`;
        $("progress-verdict").className = "verdict";
        $("progress-notes").textContent = "";
        show("progress", empty);
        return progressTable();
      }
      const found = compare(row);
      $("progress-verdict").textContent = `${subject}: ${verdict(row)}`;
      $("progress-verdict").className = `verdict ${found.outcome}`;
      const place = new Map(sat.map((at, n) => [at, n]));
      const there = sat.filter((at) => rows.points[at][row] !== null);
      const results = there.map((at) => rows.points[at][row]);
      const decided = found.outcome !== "none";
      // the outcome is that of the series compared: what was sat after it is drawn in grey
      const upTo = decided ? there.filter((at) => at <= found.at) : [];
      const after = decided ? there.filter((at) => at >= found.at) : there;
      const lines = [...(upTo.length > 1 ? upTo : []).map((at) => [at, found.outcome, found.provisional]), ...(after.length > 1 ? after.map((at) => [at, "none", false]) : [])];
      const low = Math.min(...results);
      const high = Math.max(...results);
      const off = (points) => (found.base === null || found.against !== baseline ? "" : ` (${Math.abs(points - found.base) < 1e-9 ? "±0" : signed(points - found.base)})`);
      const flat = low === high;
      show("progress", {
        line: lines.map(([at, outcome, dashed]) => ({ x: place.get(at), y: rows.points[at][row], outcome, dashed })),
        points: there.map((at) => {
          const end = decided && at === found.at;
          return { x: place.get(at), y: rows.points[at][row], outcome: end ? found.outcome : "none", hollow: !end || found.provisional, under: found.base !== null && rows.points[at][row] < found.base, text: grade(rows.points[at][row]) };
        }),
        reference: found.base === null ? [] : [{ y: found.base, text: rounded(row, found) ? standard(row, found) : `${series[found.against]} ${grade(found.base)}`, under: results.length > 0 && results[0] >= found.base && results[0] < found.base + 1.5 }],
        range: results.length ? [{ x: sat.length, low, high, low_text: flat ? "" : `lowest ${grade(low)}${off(low)}`, high_text: `${flat ? "always" : "highest"} ${grade(high)}${off(high)}` }] : [],
      }, { labels: [...sat.map((at) => [series[at], absent[at].has(row) ? "absent" : rows.points[at][row] === null ? "no result" : ""]), ["lowest to", "highest"]] });
      const gaps = sat.filter((at) => rows.points[at][row] === null).map((at) => (absent[at].has(row) ? `absent in ${series[at]}` : `no result in ${series[at]}`));
      const groups = data.groups.map((group) => [group, group.of[group.per === "row" ? row : student]]).filter(([group, code]) => group.values[code] !== data.not_stated).map(([group, code]) => `${group.name} ${group.values[code]}`);
      fill($("progress-notes"), [...gaps.slice(0, 1).map((gap) => gap[0].toUpperCase() + gap.slice(1)), ...gaps.slice(1), ...groups].join(" · "));
      progressTable();
    }

    const progressTable = tableView("progress-table", () => {
      const [student] = person();
      const row = rowOf(student);
      if (row === undefined) return [el("p", {}, "Nobody is drawn.")];
      return [table(`${data.students[student]}, ${data.subjects[state.subject]}`, [
        { head: "Series", cell: (at) => series[at] },
        { head: "Grade", number: true, cell: (at) => received(row, at) },
        { head: baseline === null ? "" : `Against ${rounds ? "expected" : series[baseline]}`, number: true, cell: (at) => (baseline === null || at === baseline || rows.points[at][row] === null || rows.against[row] === null ? "" : signed(rows.points[at][row] - rows.against[row])) },
      ], series.map((_, at) => at)), el("p", {}, verdict(row))];
    });

    // --- one student over all subjects

    function drawSubjects() {
      const student = state.pinned;
      $("subjects").classList.toggle("nobody", student === null);
      $("unpin").hidden = student === null;
      if (student === null) {
        fill($("subjects-title"), "Nobody pinned");
        $("subjects-verdict").textContent = "Click a dot, press Enter on it, or search for a student: all their subjects appear here.";
        $("subjects-notes").textContent = "";
        show("subjects", { subjects: [] }, { height: 1 });
        return subjectsTable();
      }
      fill($("subjects-title"), el("span", { class: "why" }, "Pinned: "), data.students[student]);
      const taken = [...byStudent[student]].sort((a, b) => rows.subject[a] - rows.subject[b]);
      const found = taken.map(compare);
      const number = (outcome) => found.filter((one) => one.outcome === outcome).length;
      const { base } = comparisons[state.comparison];
      const words = base === baseline ? AGAINST_BASELINE : AGAINST_SERIES;
      const counts = ["exceeded", "met", "below"].filter(number).map((outcome) => `${SYMBOL[outcome]} ${number(outcome)} ${words[outcome]}`);
      $("subjects-verdict").textContent = `${taken.length} ${taken.length === 1 ? "subject" : "subjects"}, ${labelOf(taken)}${base === null ? "" : `: ${counts.join(", ") || "nothing to compare"}`}`;
      const brief = roomFor("subjects") < 420;
      const text = (one, row) => (one.outcome === "none" ? verdict(row, one).replace(" to compare with", "").replace(" to compare", "") : brief ? `${SYMBOL[one.outcome]} ${plain(Math.abs(one.difference))}` : `${SYMBOL[one.outcome]} ${one.outcome === "met" ? word(one) : `${plain(Math.abs(one.difference))} ${base === baseline && one.outcome === "exceeded" ? "above" : word(one)}`}${one.provisional ? " so far" : ""}${rounded(row, one) ? ` expected (${series[baseline]} ${grade(rows.points[baseline][row])})` : ""}`);
      show("subjects", {
        subjects: found.map((one, n) => ({ subject: data.subjects[rows.subject[taken[n]]], base: one.base, top: one.top, outcome: one.outcome, hollow: one.provisional || one.outcome === "none", text: text(one, taken[n]), place: n, end: Math.max(one.base ?? -0.35, one.top ?? -0.35) })),
      }, { height: data.row_height * taken.length });
      const without = found.filter((one) => one.outcome === "none").length;
      const stands = found.filter((one) => one.provisional && one.outcome !== "none");
      const waiting = [...new Set(stands.map((one) => series[one.at]))];
      $("subjects-notes").textContent = [
        base === null ? "" : `Bar: ${series[base]}${base === baseline ? `${rounds ? `, rounded ${data.rounding === "down" ? "down" : "to the nearest grade"}` : ""}, a mean expectation and no target` : ""}. Symbol: ${comparisons[state.comparison].top === "compared" ? (stands.length ? `${series[final]}, hollow where ${listed(waiting)} stands in (provisional)` : series[final]) : series[comparisons[state.comparison].top]}.`,
        without ? `${without} cannot be compared.` : "",
      ].join(" ");
      subjectsTable();
    }

    const subjectsTable = tableView("subjects-table", () => {
      if (state.pinned === null) return [el("p", {}, "Nobody is drawn.")];
      const taken = [...byStudent[state.pinned]].sort((a, b) => rows.subject[a] - rows.subject[b]);
      return [table(`${data.students[state.pinned]}, all subjects`, [
        { head: "Subject", cell: (row) => el("button", { type: "button", class: "name", onclick: () => choose(rows.subject[row]) }, data.subjects[rows.subject[row]]) },
        ...series.map((head, at) => ({ head, number: true, cell: (row) => received(row, at), by: (row) => rows.points[at][row] })),
        { head: "Difference", number: true, cell: (row) => (compare(row).difference === null ? "" : signed(compare(row).difference)), by: (row) => compare(row).difference },
        { head: labelOf(taken), cell: (row) => outcomeCell(row) },
      ], taken)];
    });

    // --- what people do

    function hover(dot, spoken = false) {
      const student = dot ? rows.student[dot.row] : null;
      if (student === state.hovered && (dot ? dot.series : null) === state.series) return;
      const moved = student !== state.hovered;
      state.series = dot ? dot.series : null;
      state.hovered = student;
      if (student !== null) state.last = student;
      tip(dot);
      if (moved) {
        mark();
        drawProgress();
      }
      if (spoken && dot) $("spoken").textContent = tipLines(dot).join(", ");
    }

    function pin(student) {
      state.pinned = student;
      if (student !== null) state.last = student;
      mark();
      drawProgress();
      drawSubjects();
      if ($("distribution-table").open) for (const button of $("distribution-table").querySelectorAll("button.name")) button.setAttribute("aria-pressed", button.textContent === data.students[student]);
      $("spoken").textContent = student === null ? "Nobody pinned" : `Pinned: ${data.students[student]}. ${$("subjects-verdict").textContent}`;
    }

    function choose(subject) {
      state.subject = subject;
      $("subject").value = subject;
      redraw();
    }

    function redraw() {
      hover(null);
      drawSubject();
      drawProgress();
      drawSubjects();
    }

    // of a mock as well, what is said of the outcome names the series that it is of
    function tipLines(dot) {
      const found = compare(dot.row);
      const outcome = found.outcome === "none" ? verdict(dot.row) : `${series[found.at]}: ${said(dot.row, found)}${found.provisional ? " (provisional)" : ""}`;
      return [data.students[rows.student[dot.row]], `${series[dot.series]}: ${received(dot.row, dot.series)}`, outcome];
    }

    function tip(dot) {
      const bubble = $("tip");
      bubble.hidden = !dot;
      if (!dot) return;
      const [name, ...rest] = tipLines(dot);
      fill(bubble, el("strong", {}, name), ...rest.map((line) => el("span", {}, line)));
      beside(bubble, $("distribution"), $("distribution-chart"), ...placeOf("distribution", dot));
    }

    // arrows: to the next student up or down in a series, or the same student in the next series
    function step(event) {
      const keys = ["ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight", "Home", "End", "Enter", " ", "Escape"];
      if (!keys.includes(event.key) || !dots.length) return;
      event.preventDefault();
      if (event.key === "Escape") return state.hovered === null ? pin(null) : hover(null);
      if (event.key === "Enter" || event.key === " ") return state.hovered === null ? undefined : pin(state.pinned === state.hovered ? null : state.hovered);
      const now = dots.find((dot) => rows.student[dot.row] === (state.hovered ?? state.pinned) && (state.series === null || dot.series === state.series));
      const column = (at) => dots.filter((dot) => dot.series === at).sort((a, b) => rows.points[at][a.row] - rows.points[at][b.row] || rows.student[a.row] - rows.student[b.row]);
      if (!now) {
        const compared = comparisons[state.comparison].top;
        const start = [compared === "compared" ? final : compared, ...series.keys()].map(column).find((list) => list.length);
        return hover(start[Math.floor(start.length / 2)], true);
      }
      const list = column(now.series);
      const at = list.indexOf(now);
      const sideways = (by) => {
        const own = dots.filter((dot) => dot.row === now.row).sort((a, b) => a.series - b.series);
        return own[own.indexOf(now) + by];
      };
      const next = { ArrowUp: () => list[at + 1], ArrowDown: () => list[at - 1], ArrowLeft: () => sideways(-1), ArrowRight: () => sideways(1), Home: () => list[0], End: () => list[list.length - 1] }[event.key]();
      if (next) hover(next, true);
    }

    function search() {
      const [input, list] = [$("search"), $("found")];
      const simple = (text) => text.normalize("NFKD").replace(/[\p{M}\p{P}\p{S}]/gu, "").toLowerCase();
      const names = data.students.map(simple);
      let [active, hits] = [-1, []];
      const close = () => {
        list.hidden = true;
        active = -1;
        input.setAttribute("aria-expanded", "false");
        input.removeAttribute("aria-activedescendant");
      };
      function suggest() {
        const words = simple(input.value).split(/\s+/).filter(Boolean);
        if (!words.length) return close();
        hits = names.map((name, student) => [name, student]).filter(([name]) => words.every((part) => name.includes(part))).map(([, student]) => student);
        const more = hits.length - 8;
        hits = hits.slice(0, 8);
        fill(list, ...hits.map((student, n) => el("li", { role: "option", id: `found-${n}`, "aria-selected": "false", onpointerdown: (event) => (event.preventDefault(), take(student)) }, data.students[student])), hits.length ? (more > 0 ? el("li", { class: "more" }, `and ${count(more)} more`) : null) : el("li", { class: "more" }, "nobody by that name"));
        list.hidden = false;
        active = -1;
        input.setAttribute("aria-expanded", "true");
      }
      function take(student) {
        input.value = "";
        close();
        pin(student);
      }
      function move(by) {
        if (list.hidden) return suggest();
        if (!hits.length) return;
        active = (active + by + hits.length) % hits.length;
        hits.forEach((_, n) => $(`found-${n}`).setAttribute("aria-selected", String(n === active)));
        input.setAttribute("aria-activedescendant", `found-${active}`);
      }
      input.addEventListener("input", suggest);
      input.addEventListener("focus", suggest);
      input.addEventListener("blur", close);
      input.addEventListener("keydown", (event) => {
        if (event.key === "ArrowDown" || event.key === "ArrowUp") {
          event.preventDefault();
          move(event.key === "ArrowDown" ? 1 : -1);
        } else if (event.key === "Enter") {
          event.preventDefault();
          if (!list.hidden && hits.length) take(hits[Math.max(0, active)]);
        } else if (event.key === "Escape") close();
      });
    }

    function controls() {
      options($("comparison"), comparisons.map(({ label }, at) => [at, label]));
      $("comparison").addEventListener("change", (event) => ((state.comparison = Number(event.target.value)), redraw()));
      const select = $("group");
      fill(select, el("option", { value: "" }, "everybody"), ...data.groups.map((group, g) => el("optgroup", { label: group.name }, ...group.values.map((value, v) => el("option", { value: `${g} ${v}` }, `${group.name}: ${value}`)))));
      select.closest("label").hidden = !data.groups.length;
      select.addEventListener("change", () => ((state.group = select.value ? select.value.split(" ").map(Number) : null), redraw()));
      $("matched").addEventListener("change", (event) => ((state.matched = event.target.checked), redraw()));
      $("unpin").addEventListener("click", () => pin(null));
      search();
      const chart = $("distribution-chart");
      chart.addEventListener("pointermove", (event) => (event.pointerType === "touch" ? undefined : hover(nearestOf("distribution", dots, event))));
      chart.addEventListener("pointerleave", (event) => (event.pointerType === "touch" ? undefined : hover(null)));
      chart.addEventListener("click", (event) => {
        const dot = nearestOf("distribution", dots, event);
        if (!dot) return hover(null);
        const student = rows.student[dot.row];
        pin(state.pinned === student && state.hovered === student ? null : student);
        hover(dot);
      });
      chart.addEventListener("keydown", step);
      chart.addEventListener("blur", () => hover(null));
      document.addEventListener("keydown", (event) => (event.key === "Escape" && event.target === document.body ? pin(null) : undefined));
    }

    return { controls, redraw, choose, refit: drawSubjects };
  }

  // --- the edition without names: figures of groups only -------------------------------------------------------------

  function shareable() {
    const state = { subject: 0 };
    const found = () => data.boxes[state.subject];
    const boxRows = () => data.series.map((series, at) => ({ series, ...(found()[at] || { n: 0 }) }));
    const showTable = tableView("distribution-table", () => [boxTable(boxRows())]);

    // a box may be there though how many are in it is not told
    const shown = (one) => one && one.median !== null;

    function redraw() {
      const subject = data.subjects[state.subject];
      show("distribution", { boxes: found().map((one, at) => shown(one) && { x: at, ...one }).filter(Boolean), dots: [], marked: [] }, {
        labels: data.series.map((name, at) => [name, !found()[at] ? "none" : !shown(found()[at]) ? "too few to show" : found()[at].n === null ? "" : count(found()[at].n)]),
      });
      const compared = data.means.find((row) => row.subject === subject && row.column === "all");
      const hidden = found().filter((one) => one && !shown(one)).length;
      $("distribution-title").textContent = `${subject}: ${hidden === found().filter(Boolean).length ? `fewer than ${data.fewest} students in each series` : compared && compared.n ? `${students(compared.n)} compared` : `${data.fewest} students or more in a series`}`;
      $("distribution-notes").textContent = `${hidden ? `${hidden} of ${data.series.length} series left out: fewer than ${data.fewest} results each.` : "No series is left out."} How many have each series is not told where it would tell of the few without one.`;
      showTable();
    }

    function choose(subject) {
      state.subject = subject;
      $("subject").value = subject;
      redraw();
    }

    return { controls: () => {}, redraw, choose, refit: () => {} };
  }

  // --- the cohort as a whole ----------------------------------------------------------------------------------------

  function summary() {
    const { means, matrices, apart } = data;
    const [ALL, EVERYBODY] = ["all", "everybody"];
    const byGroup = [...new Set(means.filter((row) => row.column !== ALL).map((row) => row.column))];
    const subjects = [...new Set(means.map((row) => row.subject))];
    const rowsOf = () => {
      const [by, subject] = [$("split").value, $("split-subject").value];
      if (by === ALL) return means.filter((row) => row.column === ALL && row.subject !== ALL).map((row) => ({ ...row, row: row.subject }));
      return means.filter((row) => row.subject === subject && (row.column === by || row.column === ALL)).map((row) => ({ ...row, row: row.column === ALL ? "everybody" : row.group }));
    };
    const beyond = (row) => (row.low === null ? "too few to say" : row.low > 0 ? "above 0" : row.high < 0 ? "below 0" : "may be chance");
    const figure = (value) => (value === null ? "" : signed(value));
    const columns = [
      { head: "", cell: (row) => row.row },
      { head: "Matched", number: true, cell: (row) => (row.n !== null ? count(row.n) : row.mean === null ? "too few" : "not told"), by: (row) => row.n },
      { head: "Mean difference", number: true, cell: (row) => figure(row.mean), by: (row) => row.mean },
      { head: "95 % interval", number: true, cell: (row) => (row.low === null ? "" : `${signed(row.low)} to ${signed(row.high)}`) },
      { head: "Shrunk", number: true, cell: (row) => figure(row.shrunk), by: (row) => row.shrunk },
      { head: "", cell: beyond },
      ...["below", "met", "exceeded"].map((outcome) => ({ head: `${SYMBOL[outcome]} ${outcome}`, number: true, cell: (row) => (row[outcome] === null ? "" : count(row[outcome])) })),
      { head: "Against own other subjects", number: true, cell: (row) => figure(row.residual), by: (row) => row.residual },
      { head: "Result", cell: (row) => (row.waiting ? `${row.waiting} so far` : data.final_name) },
      { head: "Left out", cell: (row) => (row.column === ALL ? outOf(row.subject) : "") },
    ];
    // Results (one subject's are students) in a figure, and why others are not; with all subjects a student counts in each.
    function whoIsIn(figure, subject, series = null) {
      const found = (data.left_out[figure] ?? []).filter((one) => (subject === ALL || one.subject === subject) && (series === null || one.series === series));
      if (!found.length) return [];
      const reasons = new Map();
      for (const [why, n] of found.flatMap(({ out }) => out)) reasons.set(why, n === null || reasons.get(why) === null ? null : (reasons.get(why) ?? 0) + n);
      const told = [...reasons].filter(([, n]) => n !== null).map(([why, n]) => `${count(n)} ${why}`);
      const untold = [...reasons].filter(([, n]) => n === null).map(([why]) => why);
      const out = [listed(told), untold.length ? `too few to say how many: ${listed(untold)}` : ""].filter(Boolean);
      const included = found.some((one) => one.included === null) ? null : sum(found.map((one) => one.included));
      const of = included === null || untold.length ? null : included + sum([...reasons.values()]);
      const what = subject === ALL ? "results, a student counting in each subject" : "students";
      return [
        of === null ? null : `In it: ${count(included)} of ${count(of)} ${what}.`,
        out.length ? `Left out${subject === ALL ? "" : ` in ${subject}`}: ${out.join("; ")}.` : data.edition === "staff" ? "Nobody is left out." : null,
      ].filter(Boolean);
    }

    const soFar = (row) => (row.waiting ? `, ${row.waiting} so far` : "");
    // of rows that are drawn hollow
    function provisional(rows) {
      const stands = [...new Set(rows.map((row) => row.waiting).filter(Boolean))];
      return stands.length ? `Hollow: provisional, ${data.final_name} not sat${rows.every((row) => row.waiting) ? "" : " there"}, ${listed(stands)} so far.` : null;
    }
    const showTable = tableView("means-table", () => [table($("means-title").textContent, columns, rowsOf())]);
    const outOf = (subject) => {
      const one = (data.left_out.progress ?? []).find((each) => each.subject === subject);
      return one ? one.out.map(([why, n]) => `${n === null ? "some" : count(n)} ${why}`).join(", ") : "";
    };

    function drawMeans() {
      const by = $("split").value;
      $("split-subject").closest("label").hidden = by === ALL;
      const rows = rowsOf();
      const drawn = rows.filter((row) => row.mean !== null);
      const wide = roomFor("means") >= NARROW;
      const reach = Math.max(0.5, ...drawn.flatMap((row) => [Math.abs(row.mean), Math.abs(row.low ?? 0), Math.abs(row.high ?? 0)]));
      const subject = $("split-subject").value;
      $("means-title").textContent = by === ALL ? `Mean difference by subject` : `Mean difference by ${by}, ${subject === ALL ? "all subjects" : subject}`;
      show("means", { means: drawn.map((row) => ({ row: row.row, mean: row.mean, low: row.low, high: row.high, shrunk: row.shrunk, hollow: row.waiting !== null, text: [row.n === null ? "" : `n ${count(row.n)}`, row.waiting && wide ? `${row.waiting} so far` : ""].filter(Boolean).join(", ") })) }, { height: Math.max(1, drawn.length) * data.row_height, most: Math.min(9, Math.ceil(reach * 2) / 2) });
      const few = rows.length - drawn.length;
      const none = by === ALL ? data.subjects.filter((name) => !rows.some((row) => row.subject === name)) : [];
      $("means-notes").textContent = [
        ...whoIsIn("progress", by === ALL ? ALL : subject),
        few ? `${few} ${few === 1 ? "row is" : "rows are"} not drawn: ${data.edition === "shareable" ? `fewer than ${data.fewest} students, or figures from which they would follow` : "nobody to compare"}.` : null,
        none.length ? `Nobody to compare in ${listed(none)}.` : null,
        provisional(drawn),
      ].filter(Boolean).join(" ");
      showTable();
    }

    // cells: [row grade, column grade, n]; what is not shown is null
    function matrix(one) {
      const rows = [...new Set(one.cells.map(([row]) => row))].sort((a, b) => b - a);
      const columns = [...new Set(one.cells.map(([, column]) => column))].sort((a, b) => a - b);
      const at = new Map(one.cells.map(([row, column, n]) => [`${row} ${column}`, n]));
      const total = new Map(one.totals);
      const level = (n, of) => (n && of ? Math.min(6, 1 + Math.floor((n / of) * 6)) : 0);
      return el("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": one.title }, el("table", { class: "matrix" },
        el("caption", {}, one.title),
        el("thead", {}, el("tr", {}, el("th", { scope: "col" }, `${one.rows} ↓  ${one.columns} →`), ...columns.map((column) => el("th", { scope: "col", class: "figure" }, grade(column))), el("th", { scope: "col", class: "figure" }, one.subject === ALL ? "results" : "students"))),
        el("tbody", {}, ...rows.map((row) => el("tr", {},
          el("th", { scope: "row" }, grade(row)),
          ...columns.map((column) => {
            const [n, of] = [at.get(`${row} ${column}`), total.get(row)];
            if (n === null) return el("td", { class: "figure hidden", title: "too few to show" }, "•");
            return el("td", { class: `figure heat${level(n, of)}` }, n ? count(n) : "", n && of ? el("small", {}, ` ${percent(n / of)}`) : null);
          }),
          el("td", { class: "figure" }, total.get(row) === null || total.get(row) === undefined ? "•" : count(total.get(row))),
        ))),
      ));
    }

    function drawMatrix() {
      const subject = $("matrix-subject").value;
      const kind = Number($("matrix-kind").value);
      const one = matrices[kind];
      const of = $("matrix-group").value;
      const found = one.tables.find((each) => each.subject === subject && each.of === of);
      const totals = found ? found.totals.map(([, n]) => n) : [];
      const n = data.edition === "shareable" ? "" : `: ${subject === ALL ? `${count(sum(totals))} results` : students(sum(totals))}`;
      const title = `${one.rows} to ${found ? found.columns : one.columns}, ${subject === ALL ? "all subjects together" : subject}${of === EVERYBODY ? "" : `, ${of}`}${n}`;
      fill($("matrix"), found ? matrix({ ...one, ...found, title }) : el("p", {}, "Nothing to show."));
      $("matrix-notes").textContent = found ? [
        `Per cent of the row: of those with a ${one.rows} of a grade, how many got which ${found.columns}. 4 is from 4 to under 5.`,
        ...whoIsIn(one.figure, subject, one.series).map((part) => (of === EVERYBODY ? part : part.replace(/^In it/, "In it of everybody").replace(/^Left out/, "Left out of everybody"))),
        found.cells.some(([, , n]) => n === null) ? `•: fewer than ${data.fewest}, or a number from which such a cell would follow.` : "",
      ].join(" ").trim() : "";
    }

    // --- value added beside the residual

    const words = ({ x, y }) => `${x === 0 ? "at" : x > 0 ? "above" : "below"} ${data.baseline_name}, ${y === 0 ? "the same as" : y > 0 ? "better than" : "worse than"} in others`;
    const between = (low, high) => (low === null || high === null ? "" : `${signed(low)} to ${signed(high)}`);
    const showApart = tableView("apart-table", () => [table($("apart-title").textContent, [
      { head: "Subject", cell: (row) => row.name, by: (row) => row.name },
      { head: "n", number: true, cell: (row) => (row.n === null ? "" : count(row.n)), by: (row) => row.n },
      { head: "Value added", number: true, cell: (row) => signed(row.x), by: (row) => row.x },
      { head: "95 % interval", number: true, cell: (row) => between(row.low, row.high) },
      ...(apart.rows.some((row) => row.n_residual !== null) ? [{ head: "n", number: true, cell: (row) => (row.n_residual === null ? "" : count(row.n_residual)), by: (row) => row.n_residual }] : []),
      { head: "Residual", number: true, cell: (row) => signed(row.y), by: (row) => row.y },
      { head: "95 % interval", number: true, cell: (row) => between(row.residual_low, row.residual_high) },
      { head: "", cell: (row) => `${words(row)}${soFar(row)}` },
    ], apart.rows)]);

    function drawApart() {
      const side = roomFor("apart") < 700 ? "narrow" : "wide";
      const unnamed = apart.rows.filter((row) => !row[side]).length;
      $("apart-title").textContent = `${apart.rows.length} ${apart.rows.length === 1 ? "subject" : "subjects"} against ${data.baseline_name} and against own other subjects`;
      show("apart", { apart: apart.rows.map((row) => ({ name: row.name, x: row.x, y: row.y, size: row.size, hollow: row.waiting !== null, side: row[side] })) }, { most: apart.most });
      const none = data.subjects.filter((name) => !apart.rows.some((row) => row.name === name));
      $("apart-notes").textContent = [
        `A dot for each subject, larger for more students; hover or tap it for its figures.`,
        unnamed ? `${unnamed} without room for ${unnamed === 1 ? "its name" : "their names"}.` : null,
        none.length ? `Not in it, for want of one of the two: ${listed(none)}.` : null,
        ...whoIsIn("residual", ALL).map((part) => part.replace(/^In it/, "In the residual").replace(/^Left out/, "Left out of it")),
        provisional(apart.rows),
      ].filter(Boolean).join(" ");
      showApart();
    }

    function apartControls() {
      const [chart, bubble] = [$("apart-chart"), $("apart-tip")];
      const point = (event) => {
        const row = event && nearestOf("apart", apart.rows, event);
        bubble.hidden = !row;
        if (!row) return;
        const figures = [`value added ${signed(row.x)}${row.n === null ? "" : `, n ${count(row.n)}`}`, `residual ${signed(row.y)}${row.n_residual === null ? "" : `, n ${count(row.n_residual)}`}`, `${words(row)}${soFar(row)}`];
        fill(bubble, el("strong", {}, row.name), ...figures.map((line) => el("span", {}, line)));
        beside(bubble, { offsetLeft: 0, offsetTop: 0 }, chart, ...placeOf("apart", row));
      };
      chart.addEventListener("pointermove", (event) => (event.pointerType === "touch" ? undefined : point(event)));
      chart.addEventListener("pointerleave", (event) => (event.pointerType === "touch" ? undefined : point(null)));
      chart.addEventListener("click", point);
    }

    function controls() {
      if ($("apart")) apartControls();
      if ($("split")) meansControls();
      if ($("matrix")) matrixControls();
    }

    function meansControls() {
      options($("split"), [[ALL, "subject"], ...byGroup.map((name) => [name, name])]);
      $("split").closest("label").hidden = !byGroup.length;
      options($("split-subject"), subjects.map((name) => [name, name === ALL ? "all subjects" : name]));
      if (subjects.includes(ALL)) $("split-subject").value = ALL;
      for (const id of ["split", "split-subject"]) $(id).addEventListener("change", drawMeans);
    }

    function matrixControls() {
      options($("matrix-kind"), matrices.map((one, at) => [at, one.title]));
      const known = [...new Set(matrices.flatMap((one) => one.tables.map(({ subject }) => subject)))];
      options($("matrix-subject"), known.map((name) => [name, name === ALL ? "all subjects" : name]));
      const groups = [...new Set(matrices.flatMap((one) => one.tables.map(({ of }) => of)))];
      options($("matrix-group"), groups.map((name) => [name, name]));
      for (const id of ["matrix-kind", "matrix-subject", "matrix-group"]) $(id).addEventListener("change", drawMatrix);
    }

    controls();
    return {
      draw() {
        if ($("split")) drawMeans();
        if ($("apart")) drawApart();
        if ($("matrix")) drawMatrix();
      },
      refit() {
        if (views.means) drawMeans();
        if (views.apart) drawApart();
      },
    };
  }

  // --- the page -----------------------------------------------------------------------------------------------------

  // tabs only where scripts run: without them everything is on the page, one below the other
  function tabs(onShow) {
    const buttons = [...document.querySelectorAll("[role=tab]")];
    function open(button) {
      for (const one of buttons) {
        const chosen = one === button;
        one.setAttribute("aria-selected", String(chosen));
        one.tabIndex = chosen ? 0 : -1;
        $(one.getAttribute("aria-controls")).hidden = !chosen;
      }
      onShow(button.getAttribute("aria-controls"));
    }
    buttons.forEach((button, at) => {
      button.addEventListener("click", () => open(button));
      button.addEventListener("keydown", (event) => {
        const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
        if (!by) return;
        const next = buttons[(at + by + buttons.length) % buttons.length];
        next.focus();
        open(next);
      });
    });
    open(buttons[0]);
  }

  async function start() {
    document.documentElement.classList.add("ready");
    options($("subject"), data.subjects.map((name, at) => [at, name]));
    const page = data.edition === "staff" ? staff() : shareable();
    page.controls();
    $("subject").addEventListener("change", (event) => page.choose(Number(event.target.value)));
    for (const button of document.querySelectorAll("[data-save]")) button.addEventListener("click", () => savePicture(button.dataset.save));
    for (const button of document.querySelectorAll("[data-print]")) button.addEventListener("click", () => window.print());
    await Promise.all(["distribution", "progress", "subjects"].map(draw));
    page.redraw();
    const cohort = summary();
    const refit = () => {
      for (const [name, view] of Object.entries(views)) if (fit(name)) view.run();
      page.refit();
      cohort.refit();
    };
    let drawnSummary = false;
    tabs(async (section) => {
      // a chart in a hidden section has no width
      if (section === "summary" && !drawnSummary) {
        drawnSummary = true;
        await Promise.all(["means", "apart"].map(draw));
        cohort.draw();
      }
      refit();
    });
    window.addEventListener("resize", refit);
    for (const event of ["beforeprint", "afterprint"]) {
      window.addEventListener(event, () => {
        printing = event === "beforeprint";
        refit();
      });
    }
    document.documentElement.classList.add("drawn");
  }

  start();
})();
