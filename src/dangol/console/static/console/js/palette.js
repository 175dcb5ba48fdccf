// The command box: arrows choose, Enter opens.
export function setUpPalette() {
  const dialog = document.getElementById("palette");
  if (!dialog) return;
  const input = dialog.querySelector("input");
  const results = document.getElementById("palette-results");
  const options = () => [...results.querySelectorAll('[role="option"]')];
  const choose = (next) => {
    options().forEach((option, index) => {
      option.id = `palette-option-${index}`;
      option.setAttribute("aria-selected", String(option === next));
    });
    if (next) {
      input.setAttribute("aria-activedescendant", next.id);
      next.scrollIntoView({ block: "nearest" });
    } else input.removeAttribute("aria-activedescendant");
  };
  dialog.addEventListener("opened", () => {
    input.value = "";
    input.focus();
    input.dispatchEvent(new CustomEvent("palette-opened", { bubbles: true }));
  });
  results.addEventListener("htmx:afterSwap", () => choose(options()[0]));
  input.addEventListener("keydown", (event) => {
    const all = options();
    const at = all.findIndex((option) => option.getAttribute("aria-selected") === "true");
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      const step = event.key === "ArrowDown" ? 1 : -1;
      choose(all[(at + step + all.length) % all.length]);
    } else if (event.key === "Escape") {
      // A search field would keep the first Escape to empty itself.
      event.preventDefault();
      dialog.close();
    } else if (event.key === "Enter") {
      event.preventDefault();
      all[Math.max(at, 0)]?.click();
    }
  });
}
