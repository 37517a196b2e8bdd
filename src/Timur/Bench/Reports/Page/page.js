import * as Plot from "@observablehq/plot";

const model = JSON.parse(document.getElementById("data").textContent);
const page = document.getElementById("page");
const colours = new Map(model.candidates.map((candidate, i) => [candidate.title, `var(--c${candidate.name === "host" ? 0 : i === 0 ? 9 : i % 10})`]));
const work = model.loads.filter(load => !load.isLife);
const life = model.loads.filter(load => load.isLife && load.unit === "ms");
const drawings = [];

function element(name, attributes = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children.filter(child => child !== null && child !== undefined));
  return node;
}

/** A plot that is drawn again when its place changes its width. */
function figure(draw, caption) {
  const place = element("div");
  drawings.push(() => {
    const width = place.clientWidth;
    if (width > 0) place.replaceChildren(draw(width));
  });
  return element("figure", {}, place, caption ? element("figcaption", {}, caption) : null);
}

/** Appends what there is. */
function add(...children) {
  page.append(...children.filter(Boolean));
}

const labels = series => Math.min(225, 14 + 6.9 * Math.max(...series.map(one => one.title.length)));
const shown = value => value >= 1000 ? Math.round(value).toLocaleString("en").replaceAll(",", "\u202f") : Number(value.toPrecision(3)).toString();
const style = { fontSize: "12.5px", background: "transparent", color: "var(--ink)" };

function header() {
  const facts = new Map(model.facts);
  add(
    element("h1", {}, "What isolation costs here"),
    element("p", { class: "soft" }, `${model.started} · ${model.pace} · `, element("code", {}, model.command)),
    element("p", { class: "soft" }, [facts.get("processor"), `Linux ${facts.get("kernel")}`, facts.get("file system")?.split(",")[0], model.sysbench].filter(Boolean).join(" · ")),
    model.state ? element("p", { class: "warn" }, `This benchmark was ${model.state}.`) : null,
    model.failed > 0 ? element("p", { class: "warn" }, `${model.failed} runs failed; they are counted below.`) : null);
}

function card(load, series) {
  const ratio = series.ratio[0];
  const big = load.isLife ? `${shown(series.median)} ${load.unit}` : `${(ratio * 100).toFixed(ratio > 0.995 && ratio < 1.005 ? 1 : 0)} %`;
  return element("div", { class: `card ${series.judgement}` },
    element("span", { class: "title" }, load.title), element("b", {}, big),
    element("span", {}, `${series.title}, of the host's ${load.metric}`), element("span", {}, series.verdict));
}

function cards() {
  const grid = element("div", { class: "cards" });
  for (const load of work) {
    const series = load.series.find(one => one.ratio && one.name !== "host-again");
    if (series) grid.append(card(load, series));
  }
  for (const load of life.slice(0, 3)) {
    const ours = load.series.find(one => one.name === "timur");
    if (ours?.median) grid.append(element("div", { class: "card" }, element("span", { class: "title" }, load.title), element("b", {}, `${shown(ours.median)} ms`), element("span", {}, "timur, median")));
  }
  page.append(grid);
}

/** Ratio and interval of each candidate; the band is the host against itself. */
function ratios(load, domain, width) {
  const rows = load.series.filter(one => one.ratio).map(one => ({ title: one.title, value: one.ratio[0], low: one.ratio[1], high: one.ratio[2], verdict: one.verdict }));
  return Plot.plot({
    width, style, height: 34 + 26 * rows.length, marginLeft: Math.min(labels(rows), width * 0.42), marginRight: 54, marginTop: 4, marginBottom: 28,
    x: { domain, type: domain[1] / domain[0] > 3 ? "log" : "linear", label: null, tickFormat: value => `${Math.round(value * 100)} %`, ticks: width < 480 ? 4 : 7 },
    y: { label: null, domain: rows.map(row => row.title), tickSize: 0 },
    marks: [
      load.noise ? Plot.rectX([load.noise], { x1: row => Math.max(row[1], domain[0]), x2: row => Math.min(row[2], domain[1]), fill: "var(--band)", rx: 3 }) : null,
      Plot.ruleX([1], { stroke: "var(--soft)", strokeDasharray: "3 3" }),
      Plot.ruleY(rows, { x1: "low", x2: "high", y: "title", stroke: row => colours.get(row.title), strokeWidth: 3, strokeLinecap: "round", strokeOpacity: 0.55 }),
      Plot.dot(rows, { x: "value", y: "title", r: 5.5, fill: row => colours.get(row.title), channels: { verdict: "verdict" }, tip: { fill: "var(--card)", format: { x: value => value.toFixed(3), y: true, fill: false } } }),
      Plot.text(rows, { x: "high", y: "title", text: row => row.value.toFixed(2), dx: 8, textAnchor: "start", fill: "var(--soft)" }),
    ],
  });
}

function overview() {
  if (work.length === 0) return;
  const all = work.flatMap(load => load.series.filter(one => one.ratio).flatMap(one => one.ratio.slice(1)));
  if (all.length === 0) return;
  const margin = Math.max(0.02, (Math.max(...all, 1) - Math.min(...all, 1)) * 0.06);
  const domain = [Math.max(Math.min(...all, 1) - margin, 0.01), Math.max(...all, 1) + margin];
  const panel = element("div", { class: "panel", id: "ratios" });
  for (const load of work.filter(load => load.series.some(one => one.ratio)))
    panel.append(element("h3", {}, load.title), figure(width => ratios(load, domain, width)));
  page.append(element("h2", {}, "Speed, as a share of the host's"),
    element("p", {}, "Right of the line is faster than the host, left is slower. The bar is the 95 % interval; the grey band is what the host differs from itself: inside it nothing can be told from chance."), panel);
}

/** Median with the 5th to 95th percentile, on a logarithmic axis. */
function times(load, width) {
  const rows = load.series.filter(one => one.median > 0 && one.name !== "host-again").map(one => {
    const sorted = one.points.map(point => point[1]).sort((a, b) => a - b);
    const at = share => sorted[Math.round(share * (sorted.length - 1))];
    return { title: one.title, median: one.median, low: at(0.05), high: at(0.95) };
  }).sort((a, b) => a.median - b.median);
  return Plot.plot({
    width, style, height: 34 + 26 * rows.length, marginLeft: Math.min(labels(rows), width * 0.42), marginRight: 70, marginTop: 4, marginBottom: 28,
    x: { type: "log", label: null, tickFormat: value => `${value} ms`, ticks: width < 480 ? 3 : 6, nice: true },
    y: { label: null, domain: rows.map(row => row.title), tickSize: 0 },
    marks: [
      Plot.ruleY(rows, { x1: "low", x2: "high", y: "title", stroke: row => colours.get(row.title), strokeWidth: 3, strokeLinecap: "round", strokeOpacity: 0.45 }),
      Plot.dot(rows, { x: "median", y: "title", r: 5.5, fill: row => colours.get(row.title) }),
      Plot.text(rows, { x: "high", y: "title", text: row => `${shown(row.median)} ms`, dx: 8, textAnchor: "start", fill: "var(--soft)" }),
    ],
  });
}

function lifeCycle() {
  if (life.length === 0) return;
  const panel = element("div", { class: "panel", id: "life" });
  for (const load of life) panel.append(element("h3", {}, load.title), figure(width => times(load, width)));
  page.append(element("h2", {}, "A container's life"),
    element("p", {}, "Milliseconds from the command to its end: the median, and the range from the 5th to the 95th percentile. The axis is logarithmic."), panel);
}

/** Every run as a dot, over the time of the benchmark. */
function timeLine(load, width) {
  const points = load.series.flatMap(one => one.points.map(point => ({ title: one.title, minutes: point[0] / 60, value: point[1] })));
  return Plot.plot({
    width, style, height: 210, marginLeft: 58, marginBottom: 34,
    x: { label: "minutes after the start", labelAnchor: "center", labelArrow: "none" },
    y: { label: `${load.metric}, ${load.unit}`, grid: true, tickFormat: "~s", nice: true, zero: load.isLife, labelArrow: "none" },
    marks: [
      Plot.line(points, { x: "minutes", y: "value", z: "title", stroke: point => colours.get(point.title), strokeOpacity: 0.35 }),
      Plot.dot(points, { x: "minutes", y: "value", r: 2.4, fill: point => colours.get(point.title), channels: { candidate: "title" }, tip: { fill: "var(--card)", format: { fill: false } } }),
    ],
  });
}

/** Which share of the events took longer than a time: the further right a line ends, the worse the worst. */
function latencies(load, width) {
  const points = load.series.flatMap(one => {
    let left = 1;
    return one.histogram.filter(bar => bar[0] > 0).map(bar => ({ title: one.title, milliseconds: bar[0], share: left = left - bar[1] })).filter(point => point.share > 2e-6);
  });
  return Plot.plot({
    width, style, height: 210, marginLeft: 56, marginBottom: 34,
    x: { type: "log", label: "milliseconds", labelAnchor: "center", labelArrow: "none", ticks: 5, tickFormat: "~g" },
    y: { type: "log", label: "events that took longer", grid: true, labelArrow: "none", ticks: 4, tickFormat: value => `${Number((value * 100).toPrecision(1))} %` },
    marks: [
      Plot.lineY(points, { x: "milliseconds", y: "share", z: "title", stroke: point => colours.get(point.title), strokeWidth: 1.7 }),
    ],
  });
}

function legend(load) {
  return element("div", { class: "legend" }, ...load.series.map(one => element("span", {}, element("i", { style: `background:${colours.get(one.title)}` }),
    one.title + (one.failed > 0 ? ` (${one.failed} runs failed: ${one.failure})` : ""))));
}

function table(head, rows, numeric = true) {
  const cell = (name, text, column) => element(name, column > 0 && numeric ? { class: "n" } : {}, text);
  return element("div", { class: "scroll" }, element("table", {}, element("thead", {}, element("tr", {}, ...head.map((text, i) => cell("th", text, i)))),
    element("tbody", {}, ...rows.map(row => element("tr", {}, ...row.map((text, i) => cell("td", text, i)))))));
}

function section(load) {
  const plots = element("div", { class: "pair" });
  if (load.series.some(one => one.points.length > 1)) plots.append(figure(width => timeLine(load, width), "Each run, when it ran."));
  if (load.series.some(one => one.histogram.some(bar => bar[0] > 0))) plots.append(figure(width => latencies(load, width), "Latencies of all runs together: how many events took longer than a time."));
  add(element("h2", {}, load.title), load.command ? element("p", {}, element("code", {}, load.command)) : null,
    element("ul", {}, ...load.text.map(sentence => element("li", {}, sentence))),
    element("div", { class: "panel" }, legend(load), plots,
      element("details", {}, element("summary", {}, "All figures, medians"), table(["", ...load.series.map(one => one.title)], load.rows.map(row => [row.title, ...row.cells])))));
}

function rest() {
  if (model.layers.length > 0)
    page.append(element("h2", {}, "Which layer costs"), element("p", {}, "Each container differs from the default one in one thing; the ratio is to that container."),
      element("div", { class: "panel" }, table(["load", "container", "ratio (95 % interval)", ""], model.layers, false)));
  const missing = model.candidates.filter(candidate => candidate.failure);
  if (missing.length > 0)
    page.append(element("h2", {}, "Not measured, or not to the end"), element("div", { class: "panel" }, table(["candidate", "its own words"], missing.map(one => [one.title, one.failure]), false)));
  page.append(element("h2", {}, "The candidates"), element("div", { class: "panel" },
    table(["", "version", "test files stand on"], model.candidates.map(one => [one.title, one.version, one.storage]), false)));
  page.append(element("h2", {}, "The machine"), element("div", { class: "panel" }, table(["", ""], [...model.facts, ["image", model.image], ["timur", model.version], ["seed", String(model.seed)]], false)));
  page.append(element("h2", {}, "How it was measured"), element("p", {}, model.method),
    element("p", { class: "soft" }, "raw.jsonl beside this page holds every run; timur bench report renders it again."));
}

header();
cards();
overview();
lifeCycle();
for (const load of model.loads.filter(load => load.series.some(one => one.points.length > 1))) section(load);
rest();

/** report.html#ratios and #life show that panel alone, for pictures. */
const alone = location.hash && document.getElementById(location.hash.slice(1));
if (alone) {
  page.replaceChildren(alone);
  page.style.padding = "0.2rem 0.6rem";
}

const draw = () => {
  drawings.forEach(one => one());
  page.dataset.height = page.scrollHeight;
};
draw();
new ResizeObserver(draw).observe(page);
