// Menus, search, sorting, tooltips, links to a view, and the highlighted section of the navigation. All text is taken from the page and
// inserted as text, never as HTML. Without this script, all content is shown but not interactive.
(() => {
  "use strict";
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const say = text => { document.getElementById("say").textContent = text; };
  for (const choices of all(".choices")) choices.hidden = false;

  // Panes: each select controls one data attribute; a pane is shown if it matches all selects.
  for (const group of all("[data-panes]")) {
    const selects = all("select", group);
    const show = () => {
      for (const pane of all(".pane", group)) {
        const differs = select => pane.dataset[select.dataset.key] !== select.value;
        pane.hidden = selects.some(differs);
        pane.toggleAttribute("data-prints", !selects.filter(select => !("printsAll" in select.dataset)).some(differs));
      }
    };
    for (const select of selects) select.addEventListener("change", show);
    show();
  }

  // Searchable tables.
  for (const group of all("[data-filtered]")) {
    const search = group.querySelector("input"), category = group.querySelector("select");
    const output = group.querySelector("output"), rows = all("tbody tr", group);
    const texts = rows.map(row => row.cells[0].textContent.toLowerCase());
    const filter = () => {
      const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
      let shown = 0;
      rows.forEach((row, at) => {
        const fits = (!category.value || row.dataset.category === category.value)
          && words.every(word => texts[at].includes(word));
        row.hidden = !fits;
        shown += fits;
      });
      output.textContent = shown === rows.length ? `${shown} questions` : `${shown} of ${rows.length} questions`;
    };
    search.addEventListener("input", filter);
    category.addEventListener("change", filter);
    filter();
  }

  // Links to a view, such as #groups?demographic=age: the address follows the menus, and the menus follow the address.
  const plain = text => text.toLowerCase().replaceAll("_", " ").trim();
  const views = all("[data-run]").map(group => {
    const controls = all("[data-key]", group);
    return { group, controls, heading: group.closest("section").querySelector("h2"),
      usual: controls.map(control => control.value) };
  });
  const siblings = heading => views.filter(view => view.heading === heading);
  let following = false;
  const follow = () => {
    const [anchor, query] = location.hash.slice(1).split("?");
    const wanted = new URLSearchParams(query ?? ""), heading = document.getElementById(anchor);
    if (query === undefined || !heading) return;
    const shown = siblings(heading).filter(view => view.group.dataset.run === (wanted.get("run") ?? view.group.dataset.run));
    following = true;
    for (const view of shown) view.controls.forEach((control, at) => {
      const value = wanted.get(control.dataset.key);
      const fits = option => [option.value, option.text].map(plain).includes(plain(value));
      if (value === null) control.value = view.usual[at];
      else if (!control.options) control.value = value;
      else control.value = ([...control.options].find(fits) ?? { value: view.usual[at] }).value;
      control.dispatchEvent(new Event(control.options ? "change" : "input"));
    });
    following = false;
    const target = wanted.has("run") && shown.length ? shown[0].group : heading;
    target.scrollIntoView({ behavior: "instant" });
  };
  for (const view of views) {
    const tell = () => {
      if (following) return;
      const state = new URLSearchParams(siblings(view.heading).length > 1 ? { run: view.group.dataset.run } : {});
      view.controls.forEach((control, at) => {
        if (control.value !== view.usual[at]) state.set(control.dataset.key, control.value);
      });
      history.replaceState(null, "", `#${view.heading.id}${[...state].length ? `?${state}` : ""}`);
    };
    for (const control of view.controls) control.addEventListener(control.options ? "change" : "input", tell);
  }
  addEventListener("hashchange", follow);

  // What is wider than the screen says so: its edges fade, and a line above a table tells how to see the rest.
  for (const part of all(".scroll, nav ul, .command pre")) {
    const hint = document.createElement("p");
    hint.className = "sideways";
    hint.hidden = true;
    hint.textContent = "Scroll sideways for more ⟷";
    if (part.matches(".scroll")) part.before(hint);
    const look = () => {
      const beyond = part.scrollWidth - part.clientWidth;
      part.classList.toggle("more-left", part.scrollLeft > 2);
      part.classList.toggle("more-right", part.scrollLeft < beyond - 2);
      hint.hidden = beyond < 3;
    };
    part.addEventListener("scroll", look, { passive: true });
    new ResizeObserver(look).observe(part);
    look();
  }

  // A button copies a command.
  for (const part of all("[data-copied]")) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = "Copy";
    button.addEventListener("click", async () => {
      const code = part.querySelector("code");
      getSelection().selectAllChildren(code);
      try {
        await navigator.clipboard.writeText(code.textContent);
        button.textContent = "Copied";
        say("copied");
      } catch { say("selected; copy with the keyboard"); }
    });
    part.append(button);
  }

  // Sorting: numbers in descending order first, words in alphabetical order; missing values come last.
  const value = cell => cell.dataset.value ?? cell.textContent.trim();
  for (const table of all("table.sortable")) {
    const headings = [...table.tHead.rows[0].cells], body = table.tBodies[0];
    headings.forEach((heading, column) => {
      if ("unsorted" in heading.dataset || body.rows.length < 2) return;
      const button = document.createElement("button");
      button.type = "button";
      button.append(...heading.childNodes);
      heading.append(button);
      button.addEventListener("click", () => {
        const numeric = [...body.rows].some(row => "value" in row.cells[column].dataset)
          || heading.classList.contains("number");
        const before = heading.getAttribute("aria-sort");
        const falling = before ? before === "ascending" : numeric;
        for (const other of headings) other.removeAttribute("aria-sort");
        heading.setAttribute("aria-sort", falling ? "descending" : "ascending");
        const keyed = [...body.rows].map(row => {
          const text = value(row.cells[column]);
          const key = numeric ? parseFloat(text.replace("−", "-").replace(/^[<≈]\s*|,/g, "")) : text;
          return { row, key, absent: numeric ? Number.isNaN(key) : text === "–" };
        });
        const order = (a, b) => numeric ? a.key - b.key : a.key.localeCompare(b.key);
        keyed.sort((a, b) => a.absent - b.absent || (a.absent ? 0 : falling ? order(b, a) : order(a, b)));
        body.append(...keyed.map(item => item.row));
        say(`sorted by ${heading.textContent.trim()}, ${falling ? "falling" : "rising"}`);
      });
    });
  }

  // Tooltips. Each figure and table is one tab stop; arrow keys move between marks, Escape closes the tooltip.
  const tip = document.getElementById("tip");
  let shownFor = null, closing = 0;
  const close = () => {
    if (shownFor) shownFor.removeAttribute("aria-describedby");
    shownFor = null;
    tip.hidden = true;
  };
  const open = mark => {
    clearTimeout(closing);
    if (shownFor === mark) return;
    close();
    const [heading, ...rest] = (mark.dataset.tip ?? mark.getAttribute("aria-label")).split(" · ");
    const strong = document.createElement("strong");
    strong.textContent = heading;
    tip.replaceChildren(strong, ...rest.map(part => {
      const line = document.createElement("span");
      line.textContent = part;
      return line;
    }));
    tip.hidden = false;
    shownFor = mark;
    if ("tip" in mark.dataset) mark.setAttribute("aria-describedby", "tip");
    const at = mark.getBoundingClientRect(), box = tip.getBoundingClientRect(), gap = 8;
    const left = Math.min(Math.max(gap, at.left + at.width / 2 - box.width / 2), innerWidth - box.width - gap);
    const above = at.top - box.height - gap;
    tip.style.left = `${Math.max(gap, left)}px`;
    tip.style.top = `${above > gap ? above : Math.min(at.bottom + gap, innerHeight - box.height - gap)}px`;
  };
  const closeSoon = () => { clearTimeout(closing); closing = setTimeout(close, 120); };
  const MARK = ".mark, [data-tip]";
  const markOf = event => event.target instanceof Element ? event.target.closest(MARK) : null;
  document.addEventListener("pointerover", event => {
    if (tip.contains(event.target)) clearTimeout(closing);
    else if (markOf(event)) open(markOf(event));
    else if (shownFor && shownFor !== document.activeElement) closeSoon();
  });
  document.addEventListener("click", event => { const mark = markOf(event); if (mark) open(mark); });
  document.addEventListener("focusin", event => {
    const mark = markOf(event);
    if (mark && mark.matches(":focus-visible")) open(mark); else close();
  });
  document.addEventListener("focusout", closeSoon);
  addEventListener("scroll", () => { if (shownFor && shownFor !== document.activeElement) close(); }, { passive: true });
  document.addEventListener("keydown", event => {
    if (event.key === "Escape") close();
    const mark = markOf(event), group = mark?.closest("[data-marks]");
    if (!group || event.ctrlKey || event.metaKey || event.altKey) return;
    const marks = all(MARK, group).filter(one => one.getClientRects().length), here = marks.indexOf(mark);
    const row = step => {
      let next = mark.parentElement;
      do next = step > 0 ? next.nextElementSibling : next.previousElementSibling; while (next?.hidden);
      return next ? marks.indexOf(next.cells[mark.cellIndex]) : -1;
    };
    const table = mark instanceof HTMLTableCellElement;
    const to = { ArrowRight: here + 1, ArrowLeft: here - 1, Home: 0, End: marks.length - 1,
      ArrowDown: table ? row(1) : here + 1, ArrowUp: table ? row(-1) : here - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    const next = marks[to];
    if (!next) return;
    mark.setAttribute("tabindex", "-1");
    next.setAttribute("tabindex", "0");
    next.focus();
    open(next);
  });
  for (const group of all("[data-marks]")) {
    all(MARK, group).forEach((mark, at) => mark.setAttribute("tabindex", at ? "-1" : "0"));
    if (group.querySelector(MARK)) group.removeAttribute("tabindex");
  }

  // Highlight the current section in the navigation.
  const links = new Map(all("nav a").map(link => [document.querySelector(link.getAttribute("href")), link]));
  let current = null;
  const mark = () => {
    const line = (document.querySelector("nav")?.offsetHeight ?? 0) + 40;
    let at = null;
    for (const heading of links.keys()) if (heading.getBoundingClientRect().top <= line) at = heading;
    if (innerHeight + scrollY >= document.documentElement.scrollHeight - 2) at = [...links.keys()].at(-1);
    if (at === current) return;
    links.get(current)?.removeAttribute("aria-current");
    current = at;
    const link = links.get(at);
    if (!link) return;
    link.setAttribute("aria-current", "true");
    const list = link.closest("ul");
    list.scrollLeft = link.offsetLeft - (list.clientWidth - link.offsetWidth) / 2;
  };
  let waiting = false;
  addEventListener("scroll", () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => { waiting = false; mark(); });
  }, { passive: true });
  mark();

  // Unfold everything for printing.
  let opened = [];
  addEventListener("beforeprint", () => { opened = all("details:not([open])"); for (const one of opened) one.open = true; });
  addEventListener("afterprint", () => { for (const one of opened) one.open = false; });

  follow();
})();
