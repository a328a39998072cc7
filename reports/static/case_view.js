"use strict";
// The data of the page and the view that is looked at: which series and subjects, which scale, which runs, which trial. The
// view is kept in the address, so that it can be sent to somebody; who draws it listens to its changes.
const caseView = (() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const form = document.getElementById("view");
  const inputs = [...form.querySelectorAll("input")];
  const listeners = [];
  const initial = {
    series: data.series.filter((series) => series.first).map((series) => series.id),
    subjects: data.subjects.map(([index]) => index),
    across: "session",
    scale: "linear",
    from: "",
    to: "",
    trial: 0,
    at: "",
  };
  let view = { ...initial };

  const write = () => {
    const words = [];
    const same = (a, b) => a.length === b.length && a.every((each) => b.includes(each));
    if (!same(view.series, initial.series)) words.push(`series=${view.series.join(",")}`);
    if (!same(view.subjects, initial.subjects)) words.push(`subjects=${view.subjects.join(",")}`);
    for (const name of ["across", "scale", "from", "to", "trial", "at"]) {
      if (view[name] !== initial[name]) words.push(`${name}=${encodeURIComponent(view[name])}`);
    }
    history.replaceState(null, "", words.length ? `#${words.join("&")}` : location.pathname + location.search);
  };
  const read = () => {
    const words = new URLSearchParams(location.hash.slice(1));
    const listed = (name, known) => (words.has(name) ? words.get(name).split(",").filter(Boolean).map((each) => (name === "subjects" ? Number(each) : each)).filter((each) => known.includes(each)) : initial[name]);
    view = {
      series: listed("series", data.series.map((series) => series.id)),
      subjects: listed("subjects", initial.subjects),
      across: words.get("across") === "time" ? "time" : "session",
      scale: words.get("scale") === "relative" ? "relative" : "linear",
      from: words.get("from") ?? "",
      to: words.get("to") ?? "",
      trial: Number(words.get("trial")) || 0,
      at: words.get("at") ?? "",
    };
  };
  const show = () => {
    for (const input of inputs) {
      if (input.name === "series") input.checked = view.series.includes(input.value);
      if (input.name === "subject") input.checked = view.subjects.includes(Number(input.value));
      if (input.name === "across" || input.name === "scale") input.checked = view[input.name] === input.value;
    }
    document.getElementById("shown-count").textContent = view.series.length;
  };
  const change = (changes) => {
    const before = view;
    view = { ...view, ...changes };
    write();
    show();
    const changed = Object.keys(view).filter((name) => String(view[name]) !== String(before[name]));
    if (changed.length) for (const listener of listeners) listener(view, changed);
  };

  form.addEventListener("change", () => {
    const checked = (name) => inputs.filter((input) => input.name === name && input.checked).map((input) => input.value);
    change({
      series: checked("series"),
      subjects: checked("subject").map(Number),
      across: checked("across")[0],
      scale: checked("scale")[0],
    });
  });
  const menu = form.querySelector("details");
  document.addEventListener("pointerdown", (event) => {
    if (!menu.contains(event.target)) menu.open = false;
  });
  menu.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    menu.open = false;
    menu.querySelector("summary").focus();
  });
  // A link to a trial on this page changes the trial and leaves the rest of the view as it is.
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.('a[href^="#trial="]');
    if (!link) return;
    event.preventDefault();
    change({ trial: Number(link.hash.slice(7)), at: "" });
  });
  window.addEventListener("hashchange", () => {
    // The link that skips to the content, and others to a part of the page, are no view.
    if (location.hash && !location.hash.includes("=")) return;
    read();
    show();
    for (const listener of listeners) listener(view, Object.keys(view));
  });
  read();
  show();
  document.documentElement.classList.add("live-page");

  // The first trial of each subject in each session, and its further trials, by their places in the columns.
  const first = data.subjects.map(() => data.sessions.map(() => -1));
  const further = data.subjects.map(() => data.sessions.map(() => []));
  data.trials.id.forEach((_, place) => {
    const [subject, session] = [data.trials.subject[place], data.trials.session[place]];
    if (data.trials.ordinal[place] === 0) first[subject][session] = place;
    else further[subject][session].push(place);
  });
  return { data, first, further, change, listen: (listener) => listeners.push(listener), get now() { return view; } };
})();
