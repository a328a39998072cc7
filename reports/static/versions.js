"use strict";
// Shows another pair in the heat map. The pair is kept in the address as "#a=…&b=…", so that it can be sent to somebody.
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const from = document.getElementById("from");
  const to = document.getElementById("to");
  if (!from) return;
  from.closest(".choose").hidden = false;
  const initial = [from.value, to.value];
  const words = Object.entries(data.words);

  const element = (tag, text, className) => {
    const made = document.createElement(tag);
    if (text) made.textContent = text;
    if (className) made.className = className;
    return made;
  };
  const cellOf = (told) => {
    if (!told) {
      const none = element("td", "·", "none");
      none.title = "not in the catalogue";
      return none;
    }
    const [place, shade, change, interval, runs, own] = told;
    const [word, [symbol, usual]] = words[place];
    const cell = element("td", "", `${word}-${shade}`);
    if (!change) {
      cell.append(element("span", `${symbol} ${own}`));
      return cell;
    }
    cell.append(element("b", `${symbol} ${change}`), " ", element("i", own ?? usual));
    for (const more of [interval, runs]) if (more) cell.append(element("span", more));
    return cell;
  };
  const rowOf = ([place, ...cells]) => {
    const [model, address, profile, point] = data.rows[place];
    const row = element("tr");
    const head = element("th");
    head.scope = "row";
    const link = element("a", model);
    link.href = address;
    head.append(link);
    row.append(head, element("td", profile), element("td", point), ...cells.map(cellOf));
    return row;
  };
  const show = () => {
    const pair = data.pairs[`${from.value} ${to.value}`];
    const [sentence, metric, rows] = pair ?? ["A and B are the same: choose another one.", "", []];
    document.getElementById("sentence").textContent = sentence;
    document.getElementById("metric").textContent = metric;
    document.getElementById("heat").replaceChildren(...rows.map(rowOf));
  };
  const read = () => {
    const asked = new URLSearchParams(location.hash.slice(1));
    for (const [menu, name, usual] of [[from, "a", initial[0]], [to, "b", initial[1]]]) {
      const known = [...menu.options].some((option) => option.value === asked.get(name));
      menu.value = known ? asked.get(name) : usual;
    }
    show();
  };
  const choose = () => {
    history.pushState(null, "", `#a=${from.value}&b=${to.value}`);
    show();
  };
  from.addEventListener("change", choose);
  to.addEventListener("change", choose);
  document.getElementById("swap").addEventListener("click", () => {
    [from.value, to.value] = [to.value, from.value];
    choose();
  });
  window.addEventListener("hashchange", read);
  window.addEventListener("popstate", read);
  if (location.hash) read();
})();
