// Live: asks for what came since the last position, puts it on top, keeps the newest, rests while paused.
const EVERY_MS = 1000;
const KEPT = 120;

export function setUpLive() {
  const section = document.querySelector("[data-live]");
  if (!section) return;
  const korean = document.documentElement.lang === "ko";
  const button = document.querySelector("[data-pause]");
  const news = document.querySelector("[data-live-news]");
  let held = 0;
  let announced = 0;
  let asking = false;
  const paused = () => button.getAttribute("aria-pressed") === "true";
  button.addEventListener("click", () => {
    button.setAttribute("aria-pressed", String(!paused()));
    section.toggleAttribute("data-paused", paused());
    section.querySelector("[data-live-state]").textContent = paused() ? (korean ? "멈춤" : "Paused") : korean ? "듣고 있어요" : "Listening";
    held = 0;
    tell();
  });
  const tell = () => {
    const place = section.querySelector("[data-live-held]");
    place.hidden = !held;
    place.textContent = korean ? `그동안 ${held.toLocaleString("en")}건이 왔어요` : `${held.toLocaleString("en")} came meanwhile`;
  };
  const ask = async () => {
    if (asking || document.hidden) return;
    asking = true;
    const bar = section.querySelector("[data-position]");
    const query = new URLSearchParams(location.search);
    query.set("after", bar.dataset.position);
    try {
      const answer = await fetch(`/live?${query}`, { headers: { "HX-Request": "true" } });
      if (answer.ok && answer.headers.has("X-Position") && bar.isConnected) take(await answer.text(), answer.headers.get("X-Position"), bar);
    } catch {
      // The next look asks again from the same position: nothing is skipped.
    } finally {
      asking = false;
    }
  };
  const take = (html, position, bar) => {
    const fresh = new DOMParser().parseFromString(`<ol>${html}</ol>`, "text/html").querySelectorAll("li");
    if (paused()) {
      // The position stays: going on shows what came meanwhile.
      held = fresh.length;
      tell();
      return;
    }
    bar.dataset.position = position;
    if (!fresh.length) return;
    const list = section.querySelector("[data-live-list]");
    list.prepend(...fresh);
    htmx.process(list);
    while (list.children.length > KEPT) list.lastElementChild.remove();
    section.querySelector("[data-live-empty]").hidden = true;
    if (Date.now() - announced > 10000) {
      announced = Date.now();
      news.textContent = korean ? `새 이벤트 ${fresh.length}건` : `${fresh.length} new events`;
    }
  };
  setInterval(ask, EVERY_MS);
}
