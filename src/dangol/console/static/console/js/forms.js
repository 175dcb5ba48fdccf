// Forms: copying, judging a field when it is left, showing a password, forms that send themselves, pausing a stream.
import { say } from "./toasts.js";

export function setUpForms() {
  const korean = document.documentElement.lang === "ko";
  document.addEventListener("click", async (event) => {
    const copier = event.target.closest("[data-copy]");
    if (copier) {
      const text = copier.dataset.copy || copier.parentElement.querySelector("pre").textContent;
      await copy(text);
      say(korean ? "복사했어요" : "Copied");
    }
    const toggle = event.target.closest("[data-toggle]");
    if (toggle) {
      const pressed = toggle.getAttribute("aria-pressed") !== "true";
      toggle.setAttribute("aria-pressed", String(pressed));
      document.getElementById(toggle.dataset.toggle)?.toggleAttribute("data-paused", pressed);
    }
    const filler = event.target.closest("[data-fill]");
    if (filler) {
      const field = document.getElementById(filler.dataset.fill);
      field.value = filler.dataset.value;
      field.dispatchEvent(new Event("input", { bubbles: true }));
      field.focus();
    }
  });
  document.addEventListener("focusout", (event) => {
    const field = event.target;
    if (!field.matches?.("input.input[required], input.input[type=email]")) return;
    const wrong = field.value !== "" && !field.checkValidity();
    const about = document.getElementById(`${field.id}-about`);
    const old = about?.querySelector("[data-live]");
    if (wrong) field.setAttribute("aria-invalid", "true");
    else if (old) field.removeAttribute("aria-invalid");
    old?.remove();
    if (wrong && about) {
      const error = document.createElement("p");
      error.className = "error";
      error.dataset.live = "";
      error.textContent = field.validationMessage;
      about.prepend(error);
    }
  });
  document.querySelector("[data-focus]")?.focus();
}

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = document.createElement("textarea");
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
}
