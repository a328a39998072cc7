"use strict";
// Names the point under the pointer, or the one reached with the arrow keys, of a chart. The drawing itself needs no script.
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const tip = document.getElementById("tip");
  const SVG = "http://www.w3.org/2000/svg";
  const QUALITIES = ["", "contended", "throttled", "unstable"];

  const trendPoints = (svg) => {
    const series = data.series[svg.dataset.series];
    const lines = svg.querySelectorAll("polyline");
    return series.lines.flatMap(([subject, runs, values], i) => values.map((value, k) => {
      const [when, id, commit] = data.sessions[data.runs[runs][0][k]];
      const quality = QUALITIES[data.runs[runs][1][k]];
      return {
        x: lines[i].points[k].x,
        y: lines[i].points[k].y,
        text: [`${value} ${series.unit}`, data.subjects[subject], data.environments[series.environment],
          `${when} UTC, session ${id}`, commit && `commit ${commit}`, quality && `timings were ${quality}`]
          .filter(Boolean).join("\n"),
      };
    }));
  };
  const layerPoints = (svg) => {
    const [names, ratios, limits] = data.layers[svg.dataset.layers];
    // Each stem of the drawing reads "M x foot V y", in the order of the layers.
    const stems = [...svg.querySelector(".stem").getAttribute("d").matchAll(/M([\d.]+) [\d.]+V([\d.]+)/g)];
    return ratios.map((ratio, i) => ({
      x: Number(stems[i][1]),
      y: Number(stems[i][2]),
      text: [`${i + 1}. ${data.names[names][i][0]}`, data.names[names][i][1], typeof ratio === "number" ? `${ratio} dB` : ratio,
        limits[i] !== null && `at least ${limits[i]} dB allowed`].filter(Boolean).join("\n"),
    }));
  };

  const known = new WeakMap();
  const pointsOf = (svg) => {
    if (!known.has(svg)) {
      const points = svg.dataset.series ? trendPoints(svg) : layerPoints(svg);
      known.set(svg, points.sort((a, b) => a.x - b.x));
    }
    return known.get(svg);
  };
  const hide = (svg) => {
    tip.hidden = true;
    svg.querySelector(".cursor")?.remove();
  };
  const show = (svg, point) => {
    let cursor = svg.querySelector(".cursor");
    if (!cursor) {
      cursor = document.createElementNS(SVG, "circle");
      cursor.setAttribute("class", "cursor");
      cursor.setAttribute("r", "5");
      svg.append(cursor);
    }
    cursor.setAttribute("cx", point.x);
    cursor.setAttribute("cy", point.y);
    tip.textContent = point.text;
    tip.hidden = false;
    const box = svg.getBoundingClientRect();
    const scale = box.width / svg.viewBox.baseVal.width;
    const x = box.left + point.x * scale;
    const wide = document.documentElement.clientWidth;
    const left = x + 14 + tip.offsetWidth > wide ? x - 14 - tip.offsetWidth : x + 14;
    tip.style.left = `${Math.max(left, 4) + window.scrollX}px`;
    tip.style.top = `${box.top + point.y * scale + 12 + window.scrollY}px`;
  };
  const move = (svg, step) => {
    const points = pointsOf(svg);
    const cursor = svg.querySelector(".cursor");
    const at = cursor ? points.findIndex((p) => `${p.x}` === cursor.getAttribute("cx") && `${p.y}` === cursor.getAttribute("cy")) : -1;
    const next = at < 0 ? points.length - 1 : Math.min(Math.max(at + step, 0), points.length - 1);
    const drawing = svg.closest(".drawing");
    if (drawing) drawing.scrollLeft = (points[next].x / svg.viewBox.baseVal.width) * svg.clientWidth - drawing.clientWidth / 2;
    show(svg, points[next]);
  };

  for (const svg of document.querySelectorAll("svg[data-series], svg[data-layers]")) {
    svg.addEventListener("pointermove", (event) => {
      const box = svg.getBoundingClientRect();
      const scale = box.width / svg.viewBox.baseVal.width;
      const [x, y] = [(event.clientX - box.left) / scale, (event.clientY - box.top) / scale];
      const weight = svg.dataset.series ? 0.25 : 0;
      const away = (p) => (p.x - x) ** 2 + weight * (p.y - y) ** 2;
      const points = pointsOf(svg);
      if (points.length) show(svg, points.reduce((best, p) => (away(p) < away(best) ? p : best)));
    });
    svg.addEventListener("pointerleave", () => hide(svg));
    svg.addEventListener("blur", () => hide(svg));
    svg.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -1, ArrowRight: 1, Home: -1e9, End: 1e9 }[event.key];
      if (step) {
        event.preventDefault();
        move(svg, step);
      } else if (event.key === "Escape") {
        hide(svg);
      }
    });
  }

  // A link to a case, or a print, shows what is folded away.
  window.addEventListener("beforeprint", () => {
    for (const details of document.querySelectorAll("details:not([open])")) details.open = true;
  });
})();
