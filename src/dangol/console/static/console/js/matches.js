// Suggested matches: a, r and n settle a pair, j and k go on and back; in the list j and k walk the rows.
// A letter after g goes to a page and settles nothing.
const AFTER_G_MS = 1200;

export function setUpMatches() {
  let went = 0;
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || event.defaultPrevented || typing(event.target) || document.querySelector("dialog[open]")) return;
    if (event.code === "KeyG") {
      went = Date.now();
      return;
    }
    if (Date.now() - went < AFTER_G_MS) return;
    const review = document.querySelector("[data-review]");
    if (review) act(review, event);
    else walk(event);
  });
}

function act(review, event) {
  const link = { j: "[data-next]", k: "[data-previous]" }[event.key];
  const button = review.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
  if (link) review.querySelector(link)?.click();
  else if (button && !button.disabled) button.form.requestSubmit(button);
}

function walk(event) {
  if (event.key !== "j" || document.activeElement?.closest("tr[data-href]")) return;
  document.querySelector("table[data-rows] tbody tr[data-href]")?.focus();
}

function typing(element) {
  return element instanceof HTMLElement && (element.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(element.tagName));
}
