"use strict";
// The drawing of the graph. What it is coloured by and whether it is fitted to the width is for the style sheet to see to;
// here both are kept in the address ("#graph.colour=time&graph.fit=no"), beside what other scripts keep there.
(() => {
  const figure = document.getElementById("graph-figure");
  if (!figure) return;
  const colours = [...figure.querySelectorAll("input[type=radio]")];
  const fit = document.getElementById("graph-fit");
  const usual = { colour: colours.find((input) => input.checked)?.value, fit: fit.checked };
  const parameters = () => new URLSearchParams(location.hash.includes("=") ? location.hash.slice(1) : "");

  const remember = () => {
    const state = parameters();
    const colour = colours.find((input) => input.checked)?.value;
    for (const [name, value] of [["graph.colour", colour === usual.colour ? "" : colour],
      ["graph.fit", fit.checked === usual.fit ? "" : fit.checked ? "yes" : "no"]]) {
      if (value) state.set(name, value);
      else state.delete(name);
    }
    history.replaceState(null, "", state.size ? `#${state}` : location.pathname + location.search);
  };
  const restore = () => {
    // A plain anchor, such as that of a row which a box leads to, says nothing of the drawing.
    if (location.hash && !location.hash.includes("=")) return;
    const state = parameters();
    const known = colours.find((input) => input.value === state.get("graph.colour"));
    for (const input of colours) input.checked = input === (known ?? colours.find((each) => each.value === usual.colour));
    fit.checked = { yes: true, no: false }[state.get("graph.fit")] ?? usual.fit;
  };
  figure.addEventListener("change", remember);
  window.addEventListener("hashchange", restore);
  restore();
  // Whoever is sent the address of a colouring is to see it.
  if (parameters().has("graph.colour") || parameters().has("graph.fit")) figure.closest("section").scrollIntoView();
})();
