// Choosing rows of a queue, showing a secret, one more row of a form.
export function setUpChoosing() {
  document.addEventListener("change", (event) => {
    const form = event.target.closest("[data-choose]");
    if (!form) return;
    const boxes = [...form.querySelectorAll('tbody input[name="key"]')];
    if (event.target.matches("[data-choose-all]")) for (const box of boxes) box.checked = event.target.checked;
    const chosen = boxes.filter((box) => box.checked).length;
    const korean = document.documentElement.lang === "ko";
    form.querySelector("[data-chosen]").textContent = chosen ? (korean ? `${chosen}건 골랐어요` : `${chosen} chosen`) : "";
    for (const button of form.querySelectorAll("[data-needs-choice]")) button.disabled = !chosen;
  });
  document.addEventListener("click", (event) => {
    const all = event.target.closest("[data-all]");
    if (all) {
      const every = document.createElement("input");
      every.type = "hidden";
      every.name = "all";
      every.value = "1";
      all.form.append(every);
    }
    const reveal = event.target.closest("[data-reveal]");
    if (reveal) {
      const code = reveal.closest(".secret").querySelector("[data-secret]");
      const shown = reveal.getAttribute("aria-pressed") === "true";
      reveal.setAttribute("aria-pressed", String(!shown));
      code.textContent = shown ? "••••••••••••••••" : code.dataset.secret;
    }
    const adder = event.target.closest("[data-add-row]");
    if (adder) addRow(document.getElementById(adder.dataset.addRow));
  });
}

function addRow(rows) {
  const all = rows.querySelectorAll("[data-row]");
  const row = all[all.length - 1].cloneNode(true);
  for (const field of row.querySelectorAll("[name]")) {
    field.name = field.name.replace(/^row-\d+/, `row-${all.length}`);
    if (field.type === "checkbox") field.checked = false;
    else if (field.tagName === "INPUT") field.value = "";
    field.setAttribute("aria-label", field.getAttribute("aria-label").replace(/\d+$/, String(all.length + 1)));
  }
  rows.append(row);
  row.querySelector("input").focus();
}
