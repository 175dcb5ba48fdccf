// Chart frames: drawn by ECharts only on pages that have one; colours come from the tokens.
import { save, toCsv } from "./tables.js";
import { waterfall } from "./waterfall.js";

const drawn = new Map();

export function setUpCharts() {
  draw();
  document.body.addEventListener("htmx:afterSettle", draw);
  document.addEventListener("click", (event) => {
    const frame = event.target.closest("[data-chart]");
    const view = event.target.closest("[data-view]");
    if (frame && view) show(frame, view.dataset.view);
    const format = event.target.closest("[data-export]");
    if (frame && format) exportAs(frame, format.dataset.export);
  });
  document.addEventListener("chart:news", (event) => renew(event.detail));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  new ResizeObserver(() => drawn.forEach((chart) => chart.resize())).observe(document.body);
}

async function draw() {
  const frames = [...document.querySelectorAll("[data-chart]")];
  if (!frames.length) return;
  await library();
  for (const frame of frames) {
    const canvas = frame.querySelector("[data-canvas]");
    const data = JSON.parse(document.getElementById(`${frame.dataset.chart}-data`).textContent);
    const chart = echarts.getInstanceByDom(canvas) ?? echarts.init(canvas, null, { renderer: "canvas" });
    chart.setOption(options(data, frame), true);
    drawn.set(frame.dataset.chart, chart);
  }
}

// News of a chart that is on the page: its picture, its table, its sentence.
function renew({ id, words, data }) {
  const frame = document.querySelector(`[data-chart="${CSS.escape(id)}"]`);
  if (!frame) return;
  document.getElementById(`${id}-data`).textContent = JSON.stringify(data);
  frame.querySelector(".words").textContent = words;
  frame.querySelector("[data-canvas]").setAttribute("aria-label", words);
  [...frame.querySelector("table").tBodies[0].rows].forEach((row, place) => {
    row.cells[0].textContent = data.labels[place];
    data.series.forEach((one, column) => (row.cells[column + 1].textContent = one.values[place].toLocaleString("en")));
  });
  drawn.get(id)?.setOption(options(data, frame));
}

let loading;
export function library() {
  loading ??= new Promise((done, failed) => {
    if (globalThis.echarts) return done();
    const script = document.createElement("script");
    script.src = new URL("../vendor/echarts.min.js", import.meta.url);
    script.onload = done;
    script.onerror = failed;
    document.head.append(script);
  });
  return loading;
}

// Tokens are read through an element, so that light-dark() and oklch() arrive as plain colours.
export function colour(name) {
  const probe = document.createElement("i");
  probe.className = `probe ${name}`;
  document.body.append(probe);
  const painter = (colour.canvas ??= new OffscreenCanvas(1, 1)).getContext("2d", { willReadFrequently: true });
  painter.clearRect(0, 0, 1, 1);
  painter.fillStyle = getComputedStyle(probe).color;
  painter.fillRect(0, 0, 1, 1);
  probe.remove();
  const [r, g, b] = painter.getImageData(0, 0, 1, 1).data;
  return `rgb(${r},${g},${b})`;
}

function options(data, frame) {
  const [ink, faint, line, surface] = ["ink", "faint-ink", "line", "surface"].map((name) => colour(`probe-${name}`));
  const font = getComputedStyle(frame).fontFamily;
  if (data.kind === "waterfall") return waterfall(data, { ink, faint, line, surface, font, width: frame.clientWidth, colours: data.colors.map((one) => colour(`probe-series-${one}`)) });
  const last = data.labels.length - 1;
  return {
    animationDuration: matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : 300,
    textStyle: { fontFamily: font, color: ink },
    aria: { enabled: false },
    grid: { left: 8, right: 12, top: data.series.length > 1 ? 34 : 12, bottom: 4, containLabel: true },
    legend: data.series.length > 1 ? { top: 0, left: 6, icon: "roundRect", itemWidth: 10, itemHeight: 10, textStyle: { color: faint, fontSize: 12 } } : undefined,
    tooltip: { trigger: "axis", renderMode: "richText", confine: true, backgroundColor: surface, borderColor: line, textStyle: { color: ink, fontSize: 12 }, axisPointer: { type: data.kind === "line" ? "line" : "shadow", shadowStyle: { opacity: 0.12 }, lineStyle: { color: line } } },
    xAxis: { type: "category", data: data.labels, boundaryGap: data.kind !== "line", axisLine: { lineStyle: { color: line } }, axisTick: { show: false }, axisLabel: { color: faint, fontSize: 11, hideOverlap: true } },
    yAxis: { type: "value", min: 0, minInterval: 1, splitNumber: 4, splitLine: { lineStyle: { color: line, opacity: 0.7 } }, axisLabel: { color: faint, fontSize: 11 } },
    series: data.series.map((one) => {
      const paint = colour(`probe-series-${one.color}`);
      const values = one.values.map((value, index) => (data.unfinished && index === last && value ? { value, itemStyle: { color: "transparent", borderColor: paint, borderType: "dashed", borderWidth: 1.5 } } : value));
      return { name: one.name, type: data.kind === "line" ? "line" : "bar", stack: data.kind === "stacked" ? "all" : undefined, data: values, itemStyle: { color: paint, borderRadius: data.kind === "stacked" ? 0 : [3, 3, 0, 0] }, lineStyle: { width: 2 }, showSymbol: false, barMaxWidth: 28, smooth: false };
    }),
  };
}

function show(frame, view) {
  for (const button of frame.querySelectorAll("[data-view]")) button.setAttribute("aria-pressed", String(button.dataset.view === view));
  frame.querySelector("[data-canvas]").hidden = view !== "chart";
  frame.querySelector("[data-table]").hidden = view !== "table";
  if (view === "chart") drawn.get(frame.dataset.chart)?.resize();
}

function exportAs(frame, format) {
  const name = `${frame.dataset.chart}.${format}`;
  if (format === "csv") return save(name, toCsv(frame.querySelector("table")));
  const data = JSON.parse(document.getElementById(`${frame.dataset.chart}-data`).textContent);
  if (format === "png") return save(name, drawn.get(frame.dataset.chart).getDataURL({ pixelRatio: 2, backgroundColor: colour("probe-surface") }));
  const quiet = echarts.init(null, null, { renderer: "svg", ssr: true, width: 900, height: 360 });
  quiet.setOption({ ...options(data, frame), animation: false });
  save(name, quiet.renderToSVGString(), "image/svg+xml");
  quiet.dispose();
}
