// The picture of a person's identity, by ECharts. Everything in it stands in words below; without this file nothing is missing.
import { colour, library } from "./charts.js";

const SHAPES = { account: "circle", contact: "roundRect", card: "diamond", device: "triangle", other: "rect" };
const PAINT = { account: 1, contact: 2, card: 4, device: 6, other: 5 };
const DASHES = { held: "solid", together: "solid", refused: [5, 5], apart: [2, 4] };
//: Beyond so many points, names are shown on hovering alone.
const NAMED_POINTS = 60;

export function setUpGraph() {
  const place = document.querySelector("[data-graph]");
  if (!place) return;
  draw(place);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => draw(place));
  let width = place.clientWidth;
  let waiting;
  new ResizeObserver(() => {
    if (place.clientWidth === width) return;
    width = place.clientWidth;
    clearTimeout(waiting);
    waiting = setTimeout(() => {
      // Laid out anew: a force layout that has settled cannot be stretched.
      globalThis.echarts?.getInstanceByDom(place)?.dispose();
      draw(place);
    }, 150);
  }).observe(place);
}

async function draw(place) {
  await library();
  const data = JSON.parse(document.getElementById("graph-data").textContent);
  const chart = echarts.getInstanceByDom(place) ?? echarts.init(place, null, { renderer: "canvas" });
  chart.setOption(options(data, place), true);
  chart.off("click");
  chart.on("click", ({ dataType, data: one }) => {
    if (dataType === "edge" && one.href) htmx.ajax("GET", one.href, { target: "#drawer-content" });
    if (dataType === "node" && one.foreign) location.href = `/people/${one.id}/identity`;
  });
  place.dataset.drawn = data.points.length;
  legend(data);
}

function options(data, place) {
  const [ink, faint, line, surface] = ["ink", "faint-ink", "line", "surface"].map((name) => colour(`probe-${name}`));
  const paint = Object.fromEntries(Object.entries(PAINT).map(([family, series]) => [family, colour(`probe-series-${series}`)]));
  const strokes = { held: faint, together: colour("probe-series-3"), refused: colour("probe-series-4"), apart: colour("probe-series-7") };
  const font = getComputedStyle(place).fontFamily;
  const named = data.points.length <= NAMED_POINTS;
  const roomy = place.clientWidth > 600;
  return {
    animation: false,
    textStyle: { fontFamily: font },
    tooltip: { renderMode: "richText", confine: true, backgroundColor: surface, borderColor: line, textStyle: { color: ink, fontSize: 12, width: 320, overflow: "break" }, formatter: ({ data: one }) => one.says ?? one.label.formatter },
    series: [
      {
        type: "graph",
        layout: "force",
        roam: true,
        draggable: true,
        zoom: named ? 1 : Math.max(0.4, Math.sqrt(100 / data.points.length)),
        scaleLimit: { min: 0.3, max: 6 },
        force: { layoutAnimation: false, initLayout: "circular", repulsion: named ? (roomy ? 900 : 420) : 60, edgeLength: named ? (roomy ? [120, 190] : [80, 110]) : [10, 40], gravity: named ? 0.12 : 0.25 },
        emphasis: { focus: "adjacency" },
        labelLayout: { hideOverlap: true },
        data: data.points.map((one) => ({
          id: one.id,
          name: one.id,
          foreign: one.foreign,
          symbol: SHAPES[one.family],
          symbolSize: one.leading ? 34 : one.stands_for > 1 ? Math.min(44, 20 + Math.sqrt(one.stands_for) * 3) : named ? 22 : 13,
          itemStyle: { color: one.foreign ? surface : paint[one.family], borderColor: one.shared ? strokes.refused : paint[one.family], borderWidth: one.shared ? 4 : 1.5, borderType: one.foreign ? "dashed" : "solid" },
          label: { show: named || one.leading || one.stands_for > 1, position: "bottom", distance: 6, color: ink, fontSize: 12, lineHeight: 15, backgroundColor: surface, padding: [1, 3], formatter: one.kind ? one.label.replace(`${one.kind} `, `${one.kind}\n`) : one.label },
        })),
        links: data.lines.map((one) => ({
          source: one.source,
          target: one.target,
          href: one.href,
          says: one.says,
          lineStyle: { color: strokes[one.state], type: DASHES[one.state], width: one.state === "held" ? (named ? 1.5 : 0.8) : 2.2, opacity: 1, curveness: one.state === "held" ? 0 : 0.18 },
          label: { show: named && one.state !== "held", formatter: one.label || data.words[one.state], color: strokes[one.state], fontSize: 11, textBorderColor: surface, textBorderWidth: 3 },
        })),
      },
    ],
  };
}

function legend(data) {
  const text = document.querySelector("[data-legend]");
  const families = [...new Set(data.points.map((one) => one.family))].map((family) => `<span class="mark-${family}"></span>${data.words[family]}`);
  const states = [...new Set(data.lines.map((one) => one.state))].map((state) => `<span class="line-${state}"></span>${data.words[state]}`);
  text.innerHTML = [...families, ...states].map((one) => `<span>${one}</span>`).join("");
}
