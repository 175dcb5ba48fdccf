// Follows a stream of server-sent events while the page is looked at. Where none can be had (a proxy that holds answers back,
// too many streams) it asks every few seconds instead, and tries the stream again after a while.
const HELLO_MS = 8000;
const AGAIN_MS = 30000;

// address(): where the stream is. on: {event name: (data, id) => …}. ask(): one look without the stream. tell(state): listening, asking, waiting, away (the server
// answers, its database does not).
export function follow({ address, on, ask, everyMs, tell = () => {} }) {
  let source = null;
  let polling = null;
  let patience = null;
  let again = null;

  const stop = () => {
    source?.close();
    source = null;
    clearInterval(polling);
    clearTimeout(patience);
    clearTimeout(again);
  };
  const poll = () => {
    stop();
    tell("asking");
    ask();
    polling = setInterval(ask, everyMs);
    again = setTimeout(open, AGAIN_MS);
  };
  const open = () => {
    stop();
    if (document.hidden) return;
    if (!globalThis.EventSource) return poll();
    source = new EventSource(address());
    patience = setTimeout(poll, HELLO_MS);
    source.addEventListener("hello", () => {
      clearTimeout(patience);
      tell("listening");
    });
    source.addEventListener("away", () => tell("away"));
    // Signed out, or the role was taken away: the whole page says which.
    source.addEventListener("ended", () => location.reload());
    for (const [name, take] of Object.entries(on)) source.addEventListener(name, (event) => take(JSON.parse(event.data), event.lastEventId));
    source.addEventListener("error", () => {
      if (source?.readyState === EventSource.CLOSED) poll();
      else {
        tell("waiting");
        clearTimeout(patience);
        patience = setTimeout(poll, HELLO_MS);
      }
    });
  };

  document.addEventListener("visibilitychange", () => (document.hidden ? stop() : open()));
  addEventListener("pagehide", stop);
  addEventListener("pageshow", (event) => event.persisted && open());
  open();
  return open;
}
