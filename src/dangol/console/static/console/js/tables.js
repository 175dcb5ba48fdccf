// Tables: a row opens by click or Enter, arrows move between rows, columns sort and hide, what is shown goes out as CSV.
export function setUpTables() {
  document.addEventListener("click", (event) => {
    const row = event.target.closest("tr[data-href], li[data-href]");
    if (row && !event.target.closest("a, button, input, label, select, form") && !String(getSelection())) visit(row, event.metaKey || event.ctrlKey);
    const sorter = event.target.closest("[data-sort]");
    if (sorter) sort(sorter.closest("th"));
    const file = event.target.closest("[data-file-of]");
    if (file) file.href = withColumns(file);
    const saver = event.target.closest("[data-csv]");
    if (saver) save(saver.dataset.file, toCsv(document.getElementById(saver.dataset.csv)));
  });
  document.addEventListener("keydown", (event) => {
    const row = event.target.closest?.("tr[data-href]");
    if (!row || event.target !== row) return;
    if (event.key === " " && row.querySelector("input[type=checkbox]")) {
      event.preventDefault();
      row.querySelector("input[type=checkbox]").click();
    }
    if (event.key === "Enter") visit(row, event.metaKey || event.ctrlKey);
    const step = { ArrowDown: "nextElementSibling", ArrowUp: "previousElementSibling", j: "nextElementSibling", k: "previousElementSibling" }[event.key];
    if (step && row[step]?.dataset.href) {
      event.preventDefault();
      row[step].focus();
    }
  });
  document.addEventListener("change", (event) => {
    const menu = event.target.closest("[data-columns]");
    if (menu) showColumn(menu.dataset.columns, event.target.value, event.target.checked, true);
  });
  restoreColumns();
  restoreSort();
  document.body.addEventListener("htmx:afterSwap", () => {
    restoreColumns();
    restoreSort();
  });
}

function visit(row, newTab) {
  if (row.hasAttribute("hx-get")) htmx.trigger(row, "open");
  else if (newTab) window.open(row.dataset.href);
  else location.assign(row.dataset.href);
}

// The order stands in the address (sort=n, sort=-n), so that a link and the way back show it too.
function sort(header) {
  const rising = header.getAttribute("aria-sort") !== "ascending";
  const here = new URL(location);
  here.searchParams.set("sort", `${rising ? "" : "-"}${header.dataset.key}`);
  history.replaceState(history.state, "", here);
  order(header, rising);
}

function restoreSort() {
  const wanted = new URLSearchParams(location.search).get("sort");
  const header = wanted && document.querySelector(`th[data-key="${CSS.escape(wanted.replace("-", ""))}"]:has([data-sort])`);
  if (header) order(header, !wanted.startsWith("-"));
}

function order(header, rising) {
  const table = header.closest("table");
  const column = [...header.parentElement.children].indexOf(header);
  for (const other of header.parentElement.querySelectorAll("[aria-sort]")) other.setAttribute("aria-sort", "none");
  header.setAttribute("aria-sort", rising ? "ascending" : "descending");
  const body = table.tBodies[0];
  const value = (row) => row.cells[column]?.dataset.value ?? row.cells[column]?.textContent.trim() ?? "";
  // What has no value stands last either way.
  const compare = (a, b) => {
    const [x, y] = [value(a), value(b)];
    if (x === "" || y === "") return x === y ? 0 : x === "" ? 1 : -1;
    const by = !isNaN(x) && !isNaN(y) ? x - y : x.localeCompare(y, document.documentElement.lang);
    return rising ? by : -by;
  };
  [...body.rows].sort(compare).forEach((row) => body.append(row));
}

// The server writes the file; it has the columns that are shown.
function withColumns(link) {
  const shown = [...document.querySelectorAll(`#${CSS.escape(link.dataset.fileOf)} th[data-key]`)].filter((one) => !one.hidden);
  const all = document.querySelectorAll(`#${CSS.escape(link.dataset.fileOf)} th[data-key]`).length;
  const address = new URL(link.href, location.href);
  address.searchParams.delete("columns");
  if (shown.length < all) address.searchParams.set("columns", shown.map((one) => one.dataset.key).join(","));
  return address.href;
}

function showColumn(id, key, shown, keep) {
  const table = document.getElementById(id);
  const header = table?.querySelector(`th[data-key="${CSS.escape(key)}"]`);
  if (!header) return;
  const column = [...header.parentElement.children].indexOf(header);
  for (const row of table.rows) if (row.cells[column]) row.cells[column].hidden = !shown;
  if (!keep) return;
  const hidden = [...table.querySelectorAll("th[hidden]")].map((one) => one.dataset.key);
  localStorage.setItem(`columns:${id}`, JSON.stringify(hidden));
}

function restoreColumns() {
  for (const menu of document.querySelectorAll("[data-columns]")) {
    const sheet = menu.querySelector(".sheet");
    if (!sheet.children.length) offerColumns(menu, sheet);
    const hidden = JSON.parse(localStorage.getItem(`columns:${menu.dataset.columns}`) ?? "[]");
    for (const box of menu.querySelectorAll("input")) {
      if (hidden.includes(box.value)) {
        box.checked = false;
        showColumn(menu.dataset.columns, box.value, false, false);
      } else if (!box.checked) showColumn(menu.dataset.columns, box.value, false, false);
    }
  }
}

// The first column says what the row is, so it always stays.
function offerColumns(menu, sheet) {
  for (const header of [...document.querySelectorAll(`#${CSS.escape(menu.dataset.columns)} th[data-key]`)].slice(1)) {
    const label = document.createElement("label");
    label.className = "item";
    const box = document.createElement("input");
    box.type = "checkbox";
    box.value = header.dataset.key;
    box.checked = true;
    label.append(box, header.textContent.trim());
    sheet.append(label);
  }
}

export function toCsv(table) {
  const line = (row) => [...row.cells].filter((cell) => !cell.hidden).map((cell) => quoted(cell.dataset.value ?? cell.textContent.trim())).join(",");
  return `\ufeff${[...table.rows].map(line).join("\r\n")}\r\n`;
}

// A cell that a spreadsheet would run as a formula is kept as text (OWASP, CSV injection).
function quoted(text) {
  const safe = /^[=+\-@\t\r]/.test(text) && isNaN(text) ? `'${text}` : text;
  return `"${safe.replaceAll('"', '""')}"`;
}

export function save(name, content, type = "text/csv;charset=utf-8") {
  const link = document.createElement("a");
  link.href = content.startsWith?.("data:") ? content : URL.createObjectURL(new Blob([content], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}
