// Keys: / searches, g and a letter goes, ? lists them, arrows move in a table. They rest while somebody types.
import { open } from "./dialogs.js";

const WAIT_FOR_SECOND_KEY_MS = 1200;

export function setUpKeys() {
  let went = 0;
  if (!/Mac|iPhone|iPad/.test(navigator.platform)) {
    for (const key of document.querySelectorAll("[data-mod]")) key.textContent = "Ctrl K";
  }
  document.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
      event.preventDefault();
      open("palette");
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target) || document.querySelector("dialog[open]")) return;
    if (Date.now() - went < WAIT_FOR_SECOND_KEY_MS) {
      went = 0;
      const place = document.querySelector(`[data-go="${CSS.escape(event.code.replace("Key", "").toLowerCase())}"]`);
      if (place) {
        event.preventDefault();
        location.assign(place.dataset.path);
      }
      return;
    }
    if (event.code === "KeyG" && !event.shiftKey) went = Date.now();
    else if (event.key === "?") open("keys");
    else if (event.key === "/") {
      event.preventDefault();
      const box = document.querySelector("main [data-search]");
      if (box) {
        box.focus();
        box.select();
      } else open("palette");
    }
  });
}

function typing(element) {
  return element instanceof HTMLElement && (element.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(element.tagName));
}
