// Keyboard, menus that apply at once, and wide tables that say so. Without this script every page works the same.
(() => {
  "use strict";
  const all = selector => [...document.querySelectorAll(selector)];

  // A menu applies when it changes; a form with a text field waits for its button or Enter.
  for (const menu of all("form[data-at-once] select")) menu.addEventListener("change", () => menu.form.requestSubmit());
  // Empty fields are left out of the address, so that links stay short.
  for (const form of all("form[method=get]")) form.addEventListener("submit", () => {
    for (const field of form.elements) if (field.name && field.value === "") field.disabled = true;
  });
  addEventListener("pageshow", () => { for (const field of all("form :disabled")) field.disabled = false; });

  // Keys: a link or field with data-hotkey is followed or focused by that key, unless somebody is typing.
  addEventListener("keydown", event => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest?.("input, select, textarea, [contenteditable]")) return;
    const target = all("[data-hotkey]").find(one => one.dataset.hotkey === event.key);
    if (!target) return;
    event.preventDefault();
    if (target.matches("input, select, textarea")) { target.focus(); target.select?.(); } else target.click();
  });

  // What is wider than the screen fades at the edges that it goes beyond.
  for (const part of all(".scroll, nav ul")) {
    const look = () => {
      part.classList.toggle("more-left", part.scrollLeft > 2);
      part.classList.toggle("more-right", part.scrollLeft < part.scrollWidth - part.clientWidth - 2);
    };
    part.addEventListener("scroll", look, { passive: true });
    new ResizeObserver(look).observe(part);
    look();
  }
})();
