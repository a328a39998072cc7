"use strict";
// Filters, search, order and keys of the first page. What is chosen is kept in the address after "#", as in
// "#standing=regressed,missing&precision=fp16&q=resnet&sort=-latency", so that a view can be sent to somebody; each choice
// is a step that the browser's back button undoes. Without this script the page shows everything.
(() => {
  const search = document.getElementById("search");
  if (!search) return;
  const order = document.getElementById("order");
  const clear = document.getElementById("clear");
  const found = document.getElementById("found");
  const nothing = document.getElementById("nothing");
  const chips = [...document.querySelectorAll("button[data-filter]")];
  const menus = [...document.querySelectorAll("select[data-filter]")];
  const lists = ["standing", "precision"];
  const single = ["model", "profile", "machine"];
  const empty = () => ({ q: "", sort: "", standing: [], precision: [], model: "", profile: "", machine: "" });
  let view = empty();

  const readCell = (td, model, profile, machine) => {
    const cell = { td, model, profile, machine, ...td.dataset };
    cell.text = [model, profile, cell.precision, cell.words ?? "", machine.name].join(" ").toLowerCase();
    return cell;
  };
  const readRow = (tr, place, machine) => {
    const model = tr.cells[0].textContent;
    const profile = tr.cells[1].firstChild.textContent;
    return { tr, place, model, profile, cells: [...tr.cells].slice(2).map((td) => readCell(td, model, profile, machine)) };
  };
  const machines = [...document.querySelectorAll("section.machine")].map((section) => {
    const machine = { key: section.dataset.machine, name: section.querySelector("h2").textContent, section };
    machine.table = section.querySelector("table.matrix");
    machine.rows = [...machine.table.tBodies[0].rows].map((tr, place) => readRow(tr, place, machine));
    return machine;
  });
  const entries = [...document.querySelectorAll(".attention > li[data-standing]")].map((item) => {
    const machine = machines.find((each) => each.key === item.dataset.machine);
    const shared = { standing: item.dataset.standing, words: item.querySelector(".badge").textContent, machine };
    const cases = [...item.querySelectorAll("[data-case]")].map((element) => {
      const { model, precision, profile } = element.dataset;
      const text = [element.querySelector("a").textContent, precision, shared.words, machine.name].join(" ").toLowerCase();
      return { ...shared, element, model, precision, profile, text };
    });
    return { item, cases };
  });

  const fits = (cell, words) =>
    (!view.standing.length || view.standing.includes(cell.standing)) &&
    (!view.precision.length || view.precision.includes(cell.precision)) &&
    single.every((key) => !view[key] || view[key] === (key === "machine" ? cell.machine.key : cell[key])) &&
    words.every((word) => cell.text.includes(word));

  const sortKey = (row, key) => {
    if (key === "model" || key === "profile") return row[key];
    const shown = row.cells.filter((cell) => cell.standing && !cell.td.hidden);
    const numbers = (name) => shown.filter((cell) => cell[name] !== undefined).map((cell) => Number(cell[name]));
    if (key === "worst") return Math.min(...numbers("severity"));
    if (key === "change") return -Math.max(...numbers("change"));
    if (key === "latency") return Math.max(...numbers("latency"));
    const own = row.cells.find((cell) => `precision:${cell.precision}` === key);
    return own?.latency === undefined ? Infinity : Number(own.latency);
  };
  const sorted = (rows) => {
    const down = view.sort.startsWith("-");
    const key = view.sort.replace(/^-/, "");
    if (!key) return rows;
    const keyed = rows.map((row) => ({ row, value: sortKey(row, key) }));
    const compare = (a, b) => {
      if (typeof a === "string") return a.localeCompare(b, undefined, { numeric: true }) * (down ? -1 : 1);
      // What has no number is last, whichever way the others go.
      if (Number.isFinite(a) && Number.isFinite(b)) return (a - b) * (down ? -1 : 1);
      return Number.isFinite(a) ? -1 : Number.isFinite(b) ? 1 : 0;
    };
    return keyed.sort((a, b) => compare(a.value, b.value) || a.row.place - b.row.place).map(({ row }) => row);
  };

  const showMatrices = (words) => {
    let count = 0;
    for (const { section, table, rows } of machines) {
      for (const element of table.querySelectorAll("[data-precision]")) {
        element.hidden = view.precision.length > 0 && !view.precision.includes(element.dataset.precision);
      }
      for (const row of rows) {
        const fitting = row.cells.filter((cell) => cell.standing && fits(cell, words));
        for (const { td } of row.cells) td.classList.toggle("aside", !fitting.some((cell) => cell.td === td));
        row.tr.hidden = fitting.length === 0;
        count += fitting.length;
      }
      section.hidden = rows.every((row) => row.tr.hidden);
      const inOrder = sorted(rows);
      const body = table.tBodies[0];
      if (inOrder.some((row, place) => body.rows[place] !== row.tr)) body.append(...inOrder.map((row) => row.tr));
      const shown = inOrder.filter((row) => !row.tr.hidden);
      shown.forEach((row, place) => row.tr.classList.toggle("first", row.model !== shown[place - 1]?.model));
      for (const button of table.querySelectorAll(".sort")) {
        const key = button.dataset.sort;
        const way = view.sort === key ? "ascending" : view.sort === `-${key}` ? "descending" : "";
        if (way) button.closest("th").setAttribute("aria-sort", way);
        else button.closest("th").removeAttribute("aria-sort");
      }
    }
    return count;
  };

  const show = () => {
    const words = view.q.toLowerCase().split(/\s+/).filter(Boolean);
    const filtered = words.length > 0 || [...lists, ...single].some((key) => view[key].length > 0);
    const count = showMatrices(words);
    for (const { item, cases } of entries) {
      for (const each of cases) each.element.hidden = !fits(each, words);
      item.hidden = cases.every((each) => each.element.hidden);
    }
    if (search.value !== view.q) search.value = view.q;
    for (const chip of chips) chip.setAttribute("aria-pressed", String(view[chip.dataset.filter].includes(chip.dataset.value)));
    for (const menu of menus) menu.value = view[menu.dataset.filter];
    order.value = [...order.options].some((option) => option.value === view.sort) ? view.sort : "other";
    found.textContent = filtered ? `${count} ${count === 1 ? "case" : "cases"}` : "";
    nothing.hidden = count > 0;
    clear.disabled = !filtered && !view.sort;
    chooseStop();
  };

  // Of each matrix one cell is in the order of the Tab key, from which the arrows go on.
  const shownGrid = (table) =>
    [...table.tBodies[0].rows].filter((tr) => !tr.hidden)
      .map((tr) => [...tr.cells].filter((td) => !td.hidden).map((td) => td.querySelector("a")));
  const chooseStop = (wanted) => {
    for (const { table } of machines) {
      if (wanted && !table.contains(wanted)) continue;
      const links = shownGrid(table).flat().filter(Boolean);
      const stop = links.includes(wanted) ? wanted : links.find((link) => link.tabIndex === 0 && link.dataset.stop) ?? links[0];
      for (const link of table.querySelectorAll("tbody td.cell > a, tbody th > a")) {
        link.tabIndex = link === stop ? 0 : -1;
        if (link === stop) link.dataset.stop = "1";
        else delete link.dataset.stop;
      }
    }
  };
  const steps = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1], Home: [0, -Infinity], End: [0, Infinity] };
  const go = (event) => {
    const step = steps[event.key];
    const link = event.target.closest?.("td.cell > a, tbody th > a");
    const table = link?.closest("table.matrix");
    if (!step || !table || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    const grid = shownGrid(table);
    let y = grid.findIndex((row) => row.includes(link));
    let x = grid[y].indexOf(link);
    if (!Number.isFinite(step[1])) {
      const links = grid[y].filter(Boolean);
      return (step[1] < 0 ? links[0] : links[links.length - 1]).focus();
    }
    do { y += step[0]; x += step[1]; } while (grid[y] && x >= 0 && x < grid[y].length && !grid[y][x]);
    grid[y]?.[x]?.focus();
  };

  const address = () => {
    const parts = [];
    for (const [key, value] of Object.entries(view)) {
      const text = Array.isArray(value) ? value.map(encodeURIComponent).join(",") : encodeURIComponent(value);
      if (text) parts.push(`${key}=${text}`);
    }
    return parts.length ? `#${parts.join("&")}` : location.pathname + location.search;
  };
  const decode = (text) => {
    try { return decodeURIComponent(text); } catch { return text; }
  };
  const read = () => {
    // A fragment without "=" is a place on the page, not a view.
    if (location.hash && !location.hash.includes("=")) return;
    view = empty();
    for (const part of location.hash.slice(1).split("&")) {
      const [key, text = ""] = part.split("=", 2);
      if (lists.includes(key)) view[key] = text.split(",").filter(Boolean).map(decode);
      else if (single.includes(key) || key === "q" || key === "sort") view[key] = decode(text);
    }
    show();
  };
  const choose = (changes, step = true) => {
    view = { ...view, ...changes };
    history[step ? "pushState" : "replaceState"](null, "", address());
    show();
  };

  for (const chip of chips) {
    const { filter, value } = chip.dataset;
    chip.addEventListener("click", () => {
      const others = view[filter].filter((each) => each !== value);
      choose({ [filter]: others.length < view[filter].length ? others : [...others, value] });
    });
  }
  for (const menu of menus) menu.addEventListener("change", () => choose({ [menu.dataset.filter]: menu.value }));
  order.addEventListener("change", () => choose({ sort: order.value }));
  for (const button of document.querySelectorAll(".sort")) {
    const key = button.dataset.sort;
    button.addEventListener("click", () => choose({ sort: view.sort === key ? `-${key}` : view.sort === `-${key}` ? "" : key }));
  }
  // One visit to the search field is one step back, however many letters were typed.
  let typing = false;
  search.addEventListener("input", () => { choose({ q: search.value }, !typing); typing = true; });
  search.addEventListener("blur", () => { typing = false; });
  clear.addEventListener("click", () => choose(empty()));
  document.addEventListener("focusin", (event) => {
    const link = event.target.closest?.("table.matrix td.cell > a, table.matrix tbody th > a");
    if (link) chooseStop(link);
  });
  document.addEventListener("keydown", (event) => {
    const writing = event.target.closest?.("input, select, textarea");
    if (event.key === "/" && !writing && !event.ctrlKey && !event.altKey && !event.metaKey) {
      event.preventDefault();
      search.select();
      search.focus();
    } else if (event.key === "Escape" && !clear.disabled && !event.target.closest?.("select")) {
      event.preventDefault();
      choose(empty());
    } else go(event);
  });
  window.addEventListener("hashchange", read);
  read();
})();
