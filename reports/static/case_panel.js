"use strict";
// The panel of one trial: what ran, on what, and what each series says of it. Its trial is part of the view in the address.
(() => {
  const { data } = caseView;
  const { trials } = data;
  const panel = document.getElementById("trial");
  const facts = document.getElementById("trial-facts");
  const rows = document.getElementById("trial-values");
  const earlier = document.getElementById("trial-earlier");
  const later = document.getElementById("trial-later");
  let opener = null;

  const element = (tag, text, attributes = {}) => {
    const made = document.createElement(tag);
    made.textContent = text;
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    return made;
  };
  const linked = (text, href) => (href ? element("a", text, { href }) : element("span", text));
  const fact = (name, ...parts) => {
    const value = document.createElement("dd");
    value.append(...parts);
    facts.append(element("dt", name), value);
  };

  const sentence = (series, place) => {
    const status = series.status[place];
    if (status < 0) return trials.ordinal[place] ? "judged with the first trial of its session" : "not judged";
    const word = data.statuses[status][1];
    const bounds = series.bounds[place];
    if (!bounds) return `${word}. ${data.statuses[status][3]}`;
    const [baseline, low, high] = bounds;
    const { round, percent } = caseCharts;
    const [value, count] = series.decided[trials.id[place]] ?? [series.values[place], 1];
    const against = `against ${round(baseline, 4)} ${series.unit}`.trim() + (count > 1 ? `, decided on ${count} trials` : "");
    if (!series.log) return `${word}: ${round(value, 4)} [${round(low, 4)} … ${round(high, 4)}] ${against}`;
    const [effect, least, most] = [value, low, high].map((each) => percent(each / baseline - 1));
    return `${word}: ${effect} [${least}\u00a0… ${most}] ${against}`;
  };

  const fill = (place) => {
    const id = trials.id[place];
    const [when, , session, commit, page] = data.sessions[trials.session[place]];
    const engine = data.engines[trials.engine[place]];
    document.getElementById("trial-title").textContent = `Trial ${id}`;
    facts.replaceChildren();
    fact("Session", linked(session, page), ` ${when} UTC`);
    if (commit) fact("Commit", commit);
    fact("Subject", data.subjects[trials.subject[place]][1]);
    if (engine) fact("Engine", linked(engine[0], engine[1]));
    fact("In its session", trials.ordinal[place] ? `further trial ${trials.ordinal[place]}` : "first trial");
    fact("Ended", trials.outcome[place]);
    fact("Timings", trials.quality[place] === "ok" ? "can be trusted" : trials.quality[place]);
    const machine = data.telemetry.filter((gauge) => gauge.values[place] !== null);
    if (machine.length) fact("Machine", machine.map((gauge) => `${gauge.title} ${caseCharts.round(gauge.values[place], 4)}\u00a0${gauge.unit}`.trim()).join("; "));
    rows.replaceChildren();
    for (const series of data.series) {
      const value = series.values[place];
      if (value === null && !(series.status[place] >= 0)) continue;
      const row = document.createElement("tr");
      if (series.id === caseView.now.at) row.className = "current";
      const said = document.createElement("td");
      const symbol = data.statuses[series.status[place]]?.[2];
      if (symbol) said.append(element("span", `${symbol} `, { "aria-hidden": "true" }));
      said.append(linked(sentence(series, place), series.pages[id]));
      row.append(element("th", series.title, { scope: "row" }), element("td", value === null ? "–" : `${caseCharts.round(value, 5)} ${series.unit}`, { class: "num" }), said);
      rows.append(row);
    }
    earlier.disabled = place === 0;
    later.disabled = place === trials.id.length - 1;
  };

  const show = (moved) => {
    const place = trials.id.indexOf(caseView.now.trial);
    for (const dot of document.querySelectorAll(".dot")) dot.classList.toggle("chosen", Number(dot.dataset.trial) === caseView.now.trial);
    if (place < 0) {
      panel.hidden = true;
      opener?.focus({ preventScroll: true });
      opener = null;
      return;
    }
    fill(place);
    panel.hidden = false;
    if (moved && !panel.contains(document.activeElement)) {
      opener = document.activeElement === document.body ? null : document.activeElement;
      panel.focus({ preventScroll: true });
    }
  };
  const step = (by) => caseView.change({ trial: trials.id[trials.id.indexOf(caseView.now.trial) + by] });

  earlier.addEventListener("click", () => step(-1));
  later.addEventListener("click", () => step(1));
  document.getElementById("trial-close").addEventListener("click", () => caseView.change({ trial: 0, at: "" }));
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !panel.hidden && !event.defaultPrevented) caseView.change({ trial: 0, at: "" });
  });
  for (const dot of document.querySelectorAll(".dot")) {
    dot.addEventListener("click", () => caseView.change({ trial: Number(dot.dataset.trial), at: "" }));
  }
  caseView.listen((view, changed) => { if (changed.includes("trial") || changed.includes("at")) show(true); });
  if (caseView.now.trial) show(false);
})();
