// Dialogs, drawer and menus. data-open="<id>" opens, data-close closes; a part swapped into #drawer-content shows the drawer.
export function open(id) {
  const dialog = document.getElementById(id);
  if (!dialog || dialog.open) return;
  dialog.showModal();
  dialog.dispatchEvent(new CustomEvent("opened"));
}

export function setUpDialogs() {
  document.addEventListener("click", (event) => {
    const opener = event.target.closest("[data-open]");
    if (opener) {
      closeMenus();
      open(opener.dataset.open);
      return;
    }
    if (event.target.closest("details.menu .sheet button.item")) closeMenus();
    if (event.target.closest("[data-close]")) event.target.closest("dialog")?.close();
    if (event.target instanceof HTMLDialogElement && outside(event)) event.target.close();
    for (const menu of document.querySelectorAll("details.menu[open], .tabbar details[open]")) {
      if (!menu.contains(event.target)) menu.open = false;
    }
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") closeMenus();
  });
  document.body.addEventListener("htmx:afterSwap", (event) => {
    const target = event.detail.target;
    if (target.id === "drawer-content") open("drawer");
    if (target.id === "dialog-content") open("dialog");
  });
}

function closeMenus() {
  for (const menu of document.querySelectorAll("details.menu[open], .tabbar details[open]")) menu.open = false;
}

function outside(event) {
  const box = event.target.getBoundingClientRect();
  return event.clientX < box.left || event.clientX > box.right || event.clientY < box.top || event.clientY > box.bottom;
}
