"use strict";
// Tables: sorted by a click on a column's head, filtered where the table asks for it, taken home as CSV or JSON.
// How a table with an id is sorted and filtered, and what is unfolded, is kept in the address ("#layers.sort=4-desc&open=log"),
// beside what other scripts keep there; an address without "=" is a plain anchor.
(() => {
  const collator = new Intl.Collator(undefined, { numeric: true });
  const clean = (text) => text.replace(/\s+/g, " ").trim();
  const parameters = () => new URLSearchParams(location.hash.includes("=") ? location.hash.slice(1) : "");
  const remember = (name, value) => {
    const state = parameters();
    if (value) state.set(name, value);
    else state.delete(name);
    history.replaceState(null, "", state.size ? `#${state}` : location.pathname + location.search);
  };

  // What a cell says: without drawings and without the signs that only repeat a word beside them.
  const textOf = (cell) => {
    if (!cell.querySelector("svg, br, details, [aria-hidden]")) return clean(cell.textContent);
    const copy = cell.cloneNode(true);
    for (const drawn of copy.querySelectorAll("svg, [aria-hidden=true]")) drawn.remove();
    for (const gap of copy.querySelectorAll("br, summary, p, div")) gap.after(" ");
    return clean(copy.textContent);
  };
  const columnName = (head) => (head.dataset.unit ? `${head.dataset.name} (${head.dataset.unit})` : head.dataset.name);

  // Numbers with their units, as the report writes them: "3 min 20 s", "1.2 MiB", "−3.1 %"; NaN for anything else.
  const UNITS = { "": 1, "%": 1, dB: 1, ms: 1e-3, s: 1, min: 60, h: 3600, day: 86400, days: 86400, "/s": 1,
    B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3, TiB: 1024 ** 4 };
  const numberOf = (text) => {
    if (text === "exact" || text === "∞") return Infinity;
    if (text === "−∞") return -Infinity;
    if (text === "none") return 0;
    const parts = [...text.matchAll(/([-+−]?\d[\d,]*\.?\d*(?:e[-+−]?\d+)?)[\s\u00a0]*([%a-zA-Z/]*)[\s\u00a0]*/gy)];
    if (!parts.length || parts.reduce((length, part) => length + part[0].length, 0) !== text.length) return NaN;
    return parts.reduce((sum, [, number, unit]) => sum + Number(number.replace(/,/g, "").replace(/−/g, "-")) * (UNITS[unit] ?? NaN), 0);
  };
  const keyOf = (cell) => {
    if (!cell) return "";
    const text = cell.dataset.value ?? textOf(cell);
    if (text === "" || text === "–") return "";
    const number = cell.dataset.value === undefined ? numberOf(text) : Number(text.replace("inf", "Infinity"));
    return Number.isNaN(number) ? text : number;
  };
  // Cells without a value come last, whichever way the others are sorted.
  const compare = (a, b, sign) => {
    if (a === "" || b === "") return (a === "") - (b === "");
    if (typeof a === "number" && typeof b === "number") return sign * (a === b ? 0 : a < b ? -1 : 1);
    return sign * collator.compare(a, b);
  };

  const sortable = (table, rows) =>
    table.tHead?.rows.length === 1 && table.tBodies.length === 1 && rows.length > 1 &&
    !table.matches(".matrix, [data-unsorted]") && !table.querySelector("[rowspan], [colspan]");

  const addSorting = (table, rows) => {
    const body = table.tBodies[0];
    const heads = [...table.tHead.rows[0].cells];
    const keys = new Map();
    const sort = (column, direction) => {
      heads.forEach((head, i) => {
        if (direction && i === column) head.setAttribute("aria-sort", direction > 0 ? "ascending" : "descending");
        else head.removeAttribute("aria-sort");
      });
      if (direction && !keys.has(column)) keys.set(column, new Map(rows.map((row) => [row, keyOf(row.cells[column])])));
      const own = keys.get(column);
      body.append(...(direction ? [...rows].sort((a, b) => compare(own.get(a), own.get(b), direction)) : rows));
    };
    heads.forEach((head, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "sort";
      button.append(...head.childNodes);
      button.addEventListener("click", () => {
        const now = head.getAttribute("aria-sort");
        // Of numbers the largest are looked for first; a third click brings back the order of the page.
        const first = head.classList.contains("num") ? -1 : 1;
        const direction = now === null ? first : (now === "ascending") === (first > 0) ? -first : 0;
        sort(column, direction);
        if (table.id) remember(`${table.id}.sort`, direction && `${column + 1}-${direction > 0 ? "asc" : "desc"}`);
      });
      head.append(button);
    });
    return (word) => {
      const [, column, way] = word?.match(/^(\d+)-(asc|desc)$/) ?? [];
      sort(column ? column - 1 : 0, column && heads[column - 1] ? (way === "asc" ? 1 : -1) : 0);
    };
  };

  const addFilter = (table, rows, tools) => {
    const label = document.createElement("label");
    const input = document.createElement("input");
    const found = document.createElement("span");
    input.type = "search";
    input.autocomplete = "off";
    input.placeholder = `Filter ${table.dataset.filter}`;
    input.setAttribute("aria-label", `Filter ${table.dataset.filter}`);
    found.className = "quiet";
    found.setAttribute("role", "status");
    label.append(input);
    tools.append(label, found);
    const texts = rows.map((row) => [...row.cells].map(textOf).join(" ").toLowerCase());
    const apply = (value) => {
      const words = value.toLowerCase().split(/\s+/).filter(Boolean);
      rows.forEach((row, i) => { row.hidden = !words.every((word) => texts[i].includes(word)); });
      const shown = rows.filter((row) => !row.hidden).length;
      found.textContent = words.length ? `${shown} of ${rows.length}` : "";
    };
    input.addEventListener("input", () => {
      apply(input.value);
      if (table.id) remember(`${table.id}.filter`, input.value);
    });
    return (value) => {
      if (input.value !== (value ?? "")) input.value = value ?? "";
      apply(input.value);
    };
  };

  // A spreadsheet takes what begins so for a formula and runs it (OWASP, "CSV Injection"); numbers are none.
  const harmless = (text) => (/^[=+\-@\t\r]/.test(text) && !/^[-+][\d,]*\.?\d+(e[-+]?\d+)?$/i.test(text) ? `'${text}` : text);
  const quoted = (text) => (/[",\n\r]/.test(text) ? `"${text.replace(/"/g, '""')}"` : text);
  const shownRows = (table) => [...table.tBodies].flatMap((body) => [...body.rows]).filter((row) => !row.hidden);
  const valuesOf = (row) => [...row.cells].map((cell) => cell.dataset.value ?? textOf(cell));
  const headsOf = (table) => [...(table.tHead?.rows[0]?.cells ?? [])].map((head) => columnName(head) || "Column");
  const FORMATS = {
    CSV: (table) => [headsOf(table), ...shownRows(table).map(valuesOf)]
      .map((row) => row.map((text) => quoted(harmless(text))).join(",")).join("\r\n") + "\r\n",
    JSON: (table) => {
      const heads = headsOf(table);
      const plain = (cell) => {
        const number = Number(cell.dataset.value ?? (/^-?[\d.]+$/.test(cell.matches(".num") ? textOf(cell) : "") ? textOf(cell) : NaN));
        return Number.isFinite(number) ? number : cell.dataset.value ?? textOf(cell);
      };
      return JSON.stringify(shownRows(table).map((row) => Object.fromEntries([...row.cells].map((cell, i) => [heads[i], plain(cell)]))), null, 1);
    },
  };
  const TYPES = { CSV: "text/csv;charset=utf-8", JSON: "application/json" };
  const save = (table, format) => {
    const page = location.pathname.split("/").pop().replace(/\.html$/, "") || "report";
    const named = table.id || clean(table.caption?.textContent ?? "table").slice(0, 30);
    const link = document.createElement("a");
    // The mark at its start tells spreadsheets that a CSV file is UTF-8.
    link.href = URL.createObjectURL(new Blob([format === "CSV" ? "\ufeff" : "", FORMATS[format](table)], { type: TYPES[format] }));
    link.download = `${page}-${named.replace(/[^\w.-]+/g, "_")}.${format.toLowerCase()}`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  };
  const addExports = (table, tools) => {
    for (const format of Object.keys(FORMATS)) {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = format;
      button.title = `Save the rows shown as ${format}`;
      button.setAttribute("aria-label", `${format} of: ${clean(table.caption?.dataset.text ?? "this table").slice(0, 80)}`);
      button.addEventListener("click", () => save(table, format));
      tools.append(button);
    }
  };

  // What is cut off for want of room is told when the pointer rests on it.
  document.addEventListener("pointerover", ({ target }) => {
    if (target.matches?.(".clamp") && !target.title && target.scrollHeight > target.clientHeight) target.title = target.textContent;
  });

  const restored = [];
  for (const table of document.querySelectorAll("table")) {
    const rows = [...table.tBodies].flatMap((body) => [...body.rows]);
    if (!table.tHead || !rows.length) continue;
    // Names of columns are read before anything is put into the heads.
    for (const head of table.tHead.rows[0].cells) head.dataset.name = textOf(head);
    if (table.caption) table.caption.dataset.text = textOf(table.caption);
    const tools = document.createElement("div");
    tools.className = "table-tools";
    const scroll = table.closest(".scroll") ?? table;
    const filter = table.dataset.filter && rows.length > 4 ? addFilter(table, rows, tools) : null;
    addExports(table, tools);
    // Without a filter there is room beside the caption, where nothing below has to move.
    tools.classList.toggle("aside", !filter && scroll !== table);
    if (tools.matches(".aside")) scroll.prepend(tools);
    else scroll.before(tools);
    const sort = sortable(table, rows) ? addSorting(table, rows) : null;
    if (table.id) {
      restored.push((state) => {
        const order = state.get(`${table.id}.sort`);
        if (sort && (order || table.querySelector("[aria-sort]"))) sort(order);
        filter?.(state.get(`${table.id}.filter`));
      });
    }
  }

  const folded = [...document.querySelectorAll("details[id]")];
  const usual = new Map(folded.map((details) => [details, details.open]));
  let restoring = false;
  const restore = () => {
    restoring = true;
    const state = parameters();
    for (const each of restored) each(state);
    const open = (state.get("open") ?? "").split(",");
    const shut = (state.get("shut") ?? "").split(",");
    for (const details of folded) details.open = open.includes(details.id) || (usual.get(details) && !shut.includes(details.id));
    const target = location.hash.includes("=") ? null : document.getElementById(location.hash.slice(1));
    for (let outer = target?.closest("details"); outer; outer = outer.parentElement?.closest("details")) outer.open = true;
    if (target?.closest("details")) target.scrollIntoView();
    setTimeout(() => { restoring = false; });
  };
  for (const details of folded) {
    details.addEventListener("toggle", () => {
      if (restoring) return;
      const differing = folded.filter((each) => each.open !== usual.get(each));
      remember("open", differing.filter((each) => each.open).map((each) => each.id).join(","));
      remember("shut", differing.filter((each) => !each.open).map((each) => each.id).join(","));
    });
  }
  window.addEventListener("hashchange", restore);
  restore();
})();
