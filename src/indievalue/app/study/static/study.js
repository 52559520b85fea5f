// Number keys choose an option, then how sure one is; Enter sends. Without this script the page works by mouse and Tab.
(() => {
  "use strict";
  const form = document.querySelector("form[data-steps]");
  if (!form) return;
  const groups = [...form.querySelectorAll("fieldset")].map(set => [...set.querySelectorAll("input[type=radio]")]);
  const open = () => groups.findIndex(group => !group.some(one => one.checked));

  addEventListener("keydown", event => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest?.("textarea")) return;
    if (!/^[1-9]$/.test(event.key)) return;
    const within = groups.findIndex(group => group.includes(document.activeElement));
    const at = within >= 0 ? within : open() >= 0 ? open() : groups.length - 1;
    const chosen = groups[at][Number(event.key) - 1];
    if (!chosen) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    chosen.checked = true;
    const next = groups[at + 1];
    (next ? next.find(one => one.checked) ?? next[0] : chosen).focus();
  }, true);

  // A second click while the first is on its way sends nothing.
  form.addEventListener("submit", event => {
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "yes";
  });
  addEventListener("pageshow", () => { delete form.dataset.sent; });
})();
