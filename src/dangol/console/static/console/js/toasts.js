// Toasts: a sentence after an act, gone after some seconds unless somebody points at it.
const SHOWN_MS = 6000;

export function say(text, tone = "good") {
  const list = document.getElementById("toasts");
  if (!list) return;
  const toast = document.createElement("div");
  toast.className = `toast ${tone}`;
  toast.textContent = text;
  list.append(toast);
  leave(toast);
}

function leave(toast) {
  setTimeout(() => (toast.matches(":hover, :focus-within") ? leave(toast) : toast.remove()), SHOWN_MS);
}

export function setUpToasts() {
  document.querySelectorAll("#toasts .toast").forEach(leave);
  document.body.addEventListener("toast", (event) => say(event.detail.text, event.detail.tone));
  const sorry = document.documentElement.lang === "ko" ? "지금은 답을 받지 못했어요. 잠시 뒤 다시 해 주세요. 아무것도 바뀌지 않았어요." : "No answer just now. Try again in a moment; nothing was changed.";
  for (const name of ["htmx:sendError", "htmx:timeout", "htmx:responseError"]) {
    document.body.addEventListener(name, (event) => {
      if (!event.detail.elt.closest("[data-quiet]")) say(sorry, "bad");
    });
  }
}
