// Live: puts on top what the stream brings, keeps the newest, holds it back while paused.
import { follow } from "./stream.js";

const EVERY_MS = 2000;
const KEPT = 120;

export function setUpLive() {
  const section = document.querySelector("[data-live]");
  if (!section) return;
  const korean = document.documentElement.lang === "ko";
  const button = document.querySelector("[data-pause]");
  const news = document.querySelector("[data-live-news]");
  const words = korean
    ? { listening: "듣고 있어요", asking: "2초마다 확인하고 있어요", waiting: "다시 연결하고 있어요", away: "데이터베이스가 답하지 않아요. 들어온 이벤트는 안전하고, 돌아오면 이어서 보여드려요", paused: "멈춤" }
    : { listening: "Listening", asking: "Looking every 2 seconds", waiting: "Connecting again", away: "The database does not answer. Events are safe, and go on here when it is back", paused: "Paused" };
  let state = "listening";
  let held = [];
  let heldCount = 0;
  let announced = 0;
  let asking = false;
  const bar = () => section.querySelector("[data-position]");
  const paused = () => button.getAttribute("aria-pressed") === "true";

  const tell = () => {
    section.toggleAttribute("data-paused", paused());
    bar().dataset.state = state;
    section.querySelector("[data-live-state]").textContent = words[paused() ? "paused" : state];
    const place = section.querySelector("[data-live-held]");
    place.hidden = !heldCount;
    place.textContent = korean ? `그동안 ${heldCount.toLocaleString("en")}건이 왔어요` : `${heldCount.toLocaleString("en")} came meanwhile`;
  };
  const take = ({ n, html, skipped }, position) => {
    if (position) bar().dataset.position = position;
    const fresh = [...new DOMParser().parseFromString(`<ol>${html}</ol>`, "text/html").querySelectorAll("li")];
    if (skipped) section.querySelector("[data-live-skipped]").hidden = false;
    if (paused()) {
      held = [...fresh, ...held].slice(0, KEPT);
      heldCount += n;
      tell();
    } else put(fresh, n);
  };
  const put = (fresh, n) => {
    if (!fresh.length) return;
    const list = section.querySelector("[data-live-list]");
    list.prepend(...fresh);
    for (const row of fresh) htmx.process(row);
    while (list.children.length > KEPT) list.lastElementChild.remove();
    section.querySelector("[data-live-empty]").hidden = true;
    if (Date.now() - announced > 10000) {
      announced = Date.now();
      news.textContent = korean ? `새 이벤트 ${n}건` : `${n} new event${n === 1 ? "" : "s"}`;
    }
  };
  const ask = async () => {
    if (asking || document.hidden) return;
    asking = true;
    const before = bar();
    try {
      const answer = await fetch(`/live?${before.dataset.query}&after=${before.dataset.position}`, { headers: { "HX-Request": "true" } });
      const html = await answer.text();
      state = answer.ok ? "asking" : "away";
      tell();
      // A filter that was changed meanwhile has another bar: these rows are not its own.
      if (answer.ok && answer.headers.has("X-Position") && before.isConnected) take({ n: html.split("<li").length - 1, html }, answer.headers.get("X-Position"));
    } catch {
      // The next look asks again from the same position: nothing is skipped.
    } finally {
      asking = false;
    }
  };

  button.addEventListener("click", () => {
    button.setAttribute("aria-pressed", String(!paused()));
    if (!paused()) put(held, heldCount);
    held = [];
    heldCount = 0;
    tell();
  });
  const reopen = follow({
    address: () => `/live/stream?${bar().dataset.query}&after=${bar().dataset.position}&lang=${korean ? "ko" : "en"}`,
    on: { rows: take },
    ask,
    everyMs: EVERY_MS,
    tell: (now) => {
      state = now;
      tell();
    },
  });
  document.body.addEventListener("htmx:afterSwap", (event) => {
    if (event.target !== section) return;
    held = [];
    heldCount = 0;
    reopen();
    tell();
  });
}
