// Home's picture stays true: numbers, dots, shares, lamps and the chart follow the stream.
import { follow } from "./stream.js";

const EVERY_MS = 3000;

export function setUpFlow() {
  const flow = document.querySelector("[data-flow]");
  if (!flow) return;
  const korean = document.documentElement.lang === "ko";
  const words = JSON.parse(document.getElementById("process-words").textContent);
  const ask = async () => {
    if (document.hidden) return;
    try {
      const answer = await fetch("/now", { headers: { Accept: "application/json" } });
      if (!answer.ok || answer.redirected) return;
      const news = await answer.json();
      show(news);
      write(news);
    } catch {
      // The next look tells; meanwhile the last numbers stay.
    }
  };
  const write = (values) => {
    for (const place of document.querySelectorAll("[data-now]")) {
      if (!(place.dataset.now in values)) continue;
      const text = written(values[place.dataset.now], place.dataset.as, korean);
      if (place.textContent !== text) place.textContent = text;
    }
  };
  const show = (news) => {
    const fates = ["applied", "duplicate", "quarantined", "suppressed"].map((fate) => news[fate]);
    const processed = fates.includes(null) ? null : fates.reduce((sum, n) => sum + n, 0); // not known is not 0
    write({ ...news, processed });
    for (const pipe of flow.querySelectorAll("[data-pipe]")) pipe.dataset.pace = news[`pace_${pipe.dataset.pipe}`];
    let left = 0;
    for (const bar of flow.querySelectorAll("[data-fate]")) {
      const width = news.shares[bar.dataset.fate] ?? 0;
      bar.setAttribute("x", left.toFixed(3));
      bar.setAttribute("width", width.toFixed(3));
      left += width;
    }
    flow.querySelector("[data-waiting]").hidden = !news.waiting;
    flow.querySelector("[data-adds-up]").hidden = !news.adds_up;
    flow.querySelector("[data-flow-up]").hidden = news.notes.length > 0;
    flow.querySelector("[data-flow-note]").hidden = news.notes.length === 0;
    const notes = document.querySelector("[data-notes]");
    const shown = [...notes.querySelectorAll(".note")];
    if (shown.map((one) => one.textContent.trim()).join() !== news.notes.join()) {
      const pattern = document.getElementById("note-pattern").content.firstElementChild;
      notes.replaceChildren(
        ...news.notes.map((text) => {
          const note = pattern.cloneNode(true);
          note.querySelector("span").textContent = text;
          return note;
        }),
      );
    }
    for (const [name, state] of Object.entries(news.processes)) {
      const line = document.querySelector(`[data-process="${CSS.escape(name)}"]`);
      if (!line || line.dataset.state === state) continue;
      line.dataset.state = state;
      line.querySelector("[data-state-word]").textContent = words[state] ?? state;
    }
  };
  follow({
    address: () => `/now/stream?lang=${korean ? "ko" : "en"}`,
    on: { now: show, tiles: write, chart: (chart) => document.dispatchEvent(new CustomEvent("chart:news", { detail: chart })) },
    ask,
    everyMs: EVERY_MS,
  });
}

function written(value, as, korean) {
  if (value === null || value === undefined) return "–";
  if (as === "rate") return value > 0 && value < 10 ? value.toFixed(1) : Math.round(value).toLocaleString("en");
  if (as === "span") {
    if (value < 0.05) return korean ? "0초" : "0 s";
    if (value < 10) return `${value.toFixed(1)}${korean ? "초" : " s"}`;
    if (value < 60) return `${Math.round(value)}${korean ? "초" : " s"}`;
    if (value < 3600) return `${Math.round(value / 60)}${korean ? "분" : " min"}`;
    return `${Math.round(value / 3600)}${korean ? "시간" : " h"}`;
  }
  return value.toLocaleString("en");
}
