"use strict";
// The matrix filter. Each word must be in a row; a word that is a precision keeps its column only. The text is kept in the
// address after "#filter=", so that a filtered page can be sent to somebody.
(() => {
  const input = document.getElementById("filter");
  const found = document.getElementById("found");
  if (!input) return;
  input.closest(".filter").hidden = false;

  const apply = () => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const table of document.querySelectorAll("table.matrix")) {
      const names = [...table.tHead.rows[0].cells].map((cell) => cell.dataset.precision);
      const columns = words.filter((word) => names.includes(word));
      const texts = words.filter((word) => !names.includes(word));
      for (const cell of table.querySelectorAll("[data-precision]")) {
        cell.hidden = columns.length > 0 && !columns.includes(cell.dataset.precision);
      }
      for (const row of table.querySelectorAll("tbody tr")) {
        const cells = [...row.cells].filter((cell) => !cell.hidden);
        const visible = cells.map((cell) => `${cell.textContent} ${cell.dataset.words ?? ""}`).join(" ").toLowerCase();
        row.hidden = !texts.every((word) => visible.includes(word));
        shown += row.hidden ? 0 : 1;
      }
    }
    found.textContent = words.length ? `${shown} ${shown === 1 ? "row" : "rows"}` : "";
  };
  const read = () => {
    const match = location.hash.match(/^#filter=(.*)$/);
    if (match) {
      try { input.value = decodeURIComponent(match[1]); } catch { input.value = match[1]; }
    }
    apply();
  };
  input.addEventListener("input", () => {
    const hash = input.value ? `#filter=${encodeURIComponent(input.value)}` : "";
    history.replaceState(null, "", hash || location.pathname + location.search);
    apply();
  });
  window.addEventListener("hashchange", read);
  read();
})();
