// What every_page.py finds fault with on a page, in words.
() => {
  const told = [];
  const wide = document.documentElement.scrollWidth - innerWidth;
  if (wide > 0) told.push(`${wide} px wider than the screen`);
  const korean = document.documentElement.lang === "ko";
  const written = "h1, h2, h3, button, .btn, label, th, .crumbs, .empty, .note, .tabs, .help";
  for (const one of document.querySelectorAll("body *")) {
    const box = one.getBoundingClientRect();
    const text = (one.textContent || "").trim().replace(/\s+/g, " ").slice(0, 60);
    if (!box.width || !box.height || !text || one.closest(".sr, dialog:not([open]), pre, svg, .skip")) continue;
    const look = getComputedStyle(one);
    const tell = (what) => told.push(`${what}: ${one.tagName.toLowerCase()} ${one.getAttribute("class") ?? ""} “${text}”`);
    const own = [...one.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    const clipped = one.scrollWidth > one.clientWidth + 1 && look.overflowX === "hidden" && look.textOverflow !== "ellipsis" && look.display !== "inline";
    if (own && clipped) tell("cut off");
    const lines = (one.clientHeight - 2 * parseFloat(look.paddingTop)) / (parseFloat(look.lineHeight) || 20);
    if (one.matches(".btn, .badge, .tabs a, .seg *") && lines > 1.8 && one.clientHeight > 48) tell("breaks into lines");
    if (own && text.length > 6 && one.clientWidth < 40 && lines > 3) tell("squeezed");
    if (own && korean && /[A-Za-z]{3,} [a-z]{2,} [a-z]{2,}/.test(text) && !/[가-힣]/.test(text) && !one.closest("code, .mono, .code, [lang=en]")) tell("not Korean");
    if (own && !korean && /[가-힣]/.test(text) && one.closest(written) && !one.closest("[lang=ko]")) tell("not English");
  }
  return [...new Set(told)];
}
