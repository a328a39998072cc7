"use strict";
// Draws the series and the telemetry of the page with uPlot: one axis of sessions or of time, one zoom and one cursor for all.
const caseCharts = (() => {
  const { data, first, further } = caseView;
  const tip = document.getElementById("tip");
  const last = data.sessions.length - 1;
  const charts = new Map();
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  // The shapes of subjects are those of the legend.
  const shapes = new Map(data.subjects.map(([index]) => {
    const icon = document.querySelector(`#view input[value="${index}"] + .shape path`);
    return [index, new Path2D(icon.getAttribute("d"))];
  }));
  const day = (seconds) => new Date(seconds * 1000).toISOString().slice(0, 10);
  const clock = (seconds) => new Date(seconds * 1000).toISOString().slice(11, 16);
  const round = (value, digits) => {
    const whole = value === 0 || (Math.abs(value) < 1e6 && Math.abs(value) >= 1e-4);
    return (whole ? String(Number(value.toPrecision(digits))) : value.toPrecision(digits)).replace(/^-/, "−");
  };
  // With as many decimals as tell them apart.
  const ticks = (u, splits, axis, space, step) => {
    const exact = (decimals) => splits.every((split) => Math.abs(Number(split.toFixed(decimals)) - split) < step / 100);
    const decimals = [0, 1, 2, 3, 4, 5, 6, 7, 8].find(exact) ?? 9;
    const form = { minimumFractionDigits: decimals, maximumFractionDigits: decimals };
    return splits.map((split) => split.toLocaleString("en", form).replace(/^-/, "−"));
  };
  const percent = (share) => `${share < 0 ? "−" : "+"}${Math.abs(100 * share).toFixed(Math.abs(share) < 0.0095 ? 2 : 1)}\u00a0%`;

  const places = () => (caseView.now.across === "time" ? data.sessions.map((session) => session[1]) : data.sessions.map((_, i) => i));
  const span = () => {
    const xs = places();
    const column = (id, otherwise) => {
      const found = data.sessions.findIndex((session) => session[2] === id);
      return found < 0 ? otherwise : found;
    };
    const [low, high] = [column(caseView.now.from, 0), column(caseView.now.to, last)];
    const air = caseView.now.across === "time" ? Math.max((xs[high] - xs[low]) * 0.02, 1800) : 0.6;
    return [xs[low] - air, xs[high] + air];
  };
  const relative = (source) => caseView.now.scale === "relative" && source.middle > 0;
  const shown = (source, value) => (value === null || value === undefined ? null : relative(source) ? 100 * (value / source.middle - 1) : value);
  const chosen = () => data.subjects.map(([index]) => caseView.now.subjects.includes(index));

  // Where a run was expected: as wide as the interval of its verdict, around the baseline.
  const band = (source, bounds) => {
    if (!bounds) return [null, null];
    const [baseline, low, high] = bounds;
    if (source.log && low > 0) {
      const half = Math.log(high / low) / 2;
      return [baseline * Math.exp(-half), baseline * Math.exp(half)];
    }
    return [baseline - (high - low) / 2, baseline + (high - low) / 2];
  };

  const columnsOf = (source) => {
    const lines = first.map((row, s) => row.map((place) => (place < 0 || !chosen()[s] ? null : shown(source, source.values[place]))));
    const edges = [[], []];
    for (let column = 0; column <= last; column += 1) {
      // Several subjects of a session each have a baseline of their own; the band is that of the last of them.
      const place = source.bounds ? first.findLast((row, s) => chosen()[s] && row[column] >= 0 && source.bounds[row[column]])?.[column] : undefined;
      const pair = place === undefined ? [null, null] : band(source, source.bounds[place]);
      edges[0].push(shown(source, pair[0]));
      edges[1].push(shown(source, pair[1]));
    }
    return [places(), ...lines, ...(source.bounds ? edges : [])];
  };

  const describe = (source, place) => {
    const { trials } = data;
    const [when, , id, commit] = data.sessions[trials.session[place]];
    const status = source.status?.[place] ?? -1;
    const value = source.values[place];
    return [
      value === null ? "no value" : `${round(value, 5)} ${source.unit}`,
      relative(source) && value !== null && `${percent(value / source.middle - 1)} from the median`,
      status >= 0 && data.statuses[status][1],
      data.subjects[trials.subject[place]][1],
      `${when} UTC, session ${id}`,
      commit && `commit ${commit}`,
      trials.engine[place] >= 0 && `engine ${data.engines[trials.engine[place]][0]}`,
      trials.quality[place] !== "ok" && `timings were ${trials.quality[place]}`,
    ].filter(Boolean).join("\n");
  };

  // Everything that lies over or under the lines, in device pixels.
  const paint = (source) => (u) => {
    const { ctx } = u;
    const ratio = uPlot.pxRatio;
    const at = (column) => u.valToPos(caseView.now.across === "time" ? data.sessions[column][1] : column, "x", true);
    const height = (value) => u.valToPos(value, "y", true);
    const { left, top, width, height: tall } = u.bbox;
    const lettering = (text, x, y, side) => {
      ctx.textAlign = side;
      ctx.fillText(text, x, y);
    };
    ctx.save();
    ctx.font = `${11 * ratio}px ${getComputedStyle(document.body).fontFamily}`;
    ctx.textBaseline = "bottom";
    // Lines before the first run at a new level, their labels where they do not cover one another.
    let free = -Infinity;
    for (const [column, label, , accepted] of source.steps ?? []) {
      const x = (at(column) + at(Math.max(column - 1, 0))) / 2;
      if (x < left || x > left + width) continue;
      ctx.globalAlpha = accepted ? 0.45 : 1;
      ctx.strokeStyle = ctx.fillStyle = colour("ink");
      ctx.lineWidth = 1.2 * ratio;
      ctx.beginPath();
      ctx.moveTo(x, top - 2 * ratio);
      ctx.lineTo(x, top + tall);
      ctx.stroke();
      const long = ctx.measureText(label).width;
      const before = x + long > left + width;
      if ((before ? x - long : x) > free) {
        lettering(label, x, top - 3 * ratio, before ? "right" : "left");
        free = before ? x : x + long;
      }
    }
    ctx.globalAlpha = 1;
    for (const mark of data.marks) {
      if (!mark.series.includes(source.id)) continue;
      const [start, end] = caseView.now.across === "time" ? mark.times : mark.span;
      const x = u.valToPos(start, "x", true);
      if (end !== null) {
        const [from, to] = [x, u.valToPos(end, "x", true)].map((edge) => Math.min(Math.max(edge, left), left + width));
        ctx.fillStyle = colour("soft");
        ctx.fillRect(from, top, to - from, 16 * ratio);
      }
      if (x < left || x > left + width) continue;
      ctx.strokeStyle = ctx.fillStyle = colour("quiet");
      ctx.lineWidth = ratio;
      ctx.setLineDash([2 * ratio, 3 * ratio]);
      ctx.beginPath();
      ctx.moveTo(x, top);
      ctx.lineTo(x, top + tall);
      ctx.stroke();
      ctx.setLineDash([]);
      ctx.font = `${13 * ratio}px sans-serif`;
      lettering(mark.symbol, x, top + 14 * ratio, "center");
      ctx.font = `${11 * ratio}px ${getComputedStyle(document.body).fontFamily}`;
    }
    ctx.beginPath();
    ctx.rect(left, top - 4 * ratio, width, tall + 8 * ratio);
    ctx.clip();
    // Where runs stand close together their points are smaller.
    const [low, high] = span();
    const many = places().filter((x) => x >= low && x <= high).length;
    const size = Math.min(Math.max(width / ratio / Math.max(many, 1) / 8, 0.62), 1.1) * ratio;
    data.subjects.forEach(([index], s) => {
      if (!chosen()[s]) return;
      const ink = colour(`s${index % 8}`);
      for (let column = 0; column <= last; column += 1) {
        const place = first[s][column];
        const x = at(column);
        for (const other of further[s][column]) {
          const value = shown(source, source.values[other]);
          if (value === null) continue;
          ctx.globalAlpha = 0.4;
          ctx.fillStyle = ink;
          ctx.beginPath();
          ctx.arc(x, height(value), 2 * ratio, 0, 7);
          ctx.fill();
          ctx.globalAlpha = 1;
        }
        const value = place < 0 ? null : shown(source, source.values[place]);
        if (value === null || x < left - 9 || x > left + width + 9) continue;
        const y = height(value);
        const bounds = source.bounds?.[place];
        if (bounds) {
          ctx.globalAlpha = 0.55;
          ctx.strokeStyle = ink;
          ctx.lineWidth = ratio;
          ctx.beginPath();
          ctx.moveTo(x, height(shown(source, bounds[1])));
          ctx.lineTo(x, height(shown(source, bounds[2])));
          ctx.stroke();
          ctx.globalAlpha = 1;
        }
        ctx.save();
        ctx.translate(x, y);
        ctx.scale(size, size);
        ctx.fillStyle = data.trials.quality[place] === "ok" ? ink : colour("card");
        ctx.fill(shapes.get(index));
        ctx.strokeStyle = ink;
        ctx.lineWidth = 1;
        ctx.stroke(shapes.get(index));
        ctx.restore();
        const status = data.statuses[source.status?.[place] ?? -1]?.[0];
        const tone = { regressed: "warn", improved: "gain", inconclusive: "lost", missing: "lost", quarantined: "idle" }[status];
        const selected = data.trials.id[place] === caseView.now.trial;
        if (tone || selected) {
          ctx.strokeStyle = colour(selected ? "ink" : tone);
          ctx.lineWidth = 1.8 * size;
          ctx.setLineDash(status === "inconclusive" && !selected ? [3 * ratio, 2 * ratio] : []);
          ctx.beginPath();
          ctx.arc(x, y, (selected ? 7.7 : 5.9) * size, 0, 7);
          ctx.stroke();
          ctx.setLineDash([]);
        }
      }
    });
    ctx.restore();
  };

  const sync = uPlot.sync("case");
  const options = (source, box, tall) => {
    const axis = {
      stroke: () => colour("quiet"),
      font: `11px ${getComputedStyle(document.body).fontFamily}`,
      grid: { stroke: () => colour("line"), width: 1 },
      ticks: { stroke: () => colour("line"), width: 1, size: 4 },
      gap: 4,
    };
    const labels = (u, splits) => {
      const texts = splits.map((split) => {
        if (caseView.now.across === "time") return splits[splits.length - 1] - splits[0] > 2 * 86400 || split % 86400 === 0 ? day(split) : clock(split);
        return Number.isInteger(split) && data.sessions[split] ? data.sessions[split][0].slice(0, 10) : "";
      });
      // Sessions of one day need its date once.
      return texts.map((text, i) => (text === texts[i - 1] ? "" : text));
    };
    const whole = [60, 300, 900, 3600, 10800, 21600, 43200, ...[1, 2, 4, 7, 14, 30, 60, 120, 365, 730].map((days) => days * 86400)];
    const hidden = { auto: false, points: { show: false }, stroke: "transparent", width: 0, spanGaps: false };
    return {
      width: box.clientWidth,
      height: tall,
      padding: [18, 12, 0, 0],
      legend: { show: false },
      cursor: {
        y: false,
        points: { show: false },
        drag: { x: true, y: false, dist: 6, setScale: false },
        sync: { key: sync.key, setSeries: false, scales: ["x", null], filters: { pub: (type) => type === "mousemove" || type === "mouseleave" } },
        bind: { dblclick: () => () => null },
      },
      scales: {
        x: { time: false, range: () => span() },
        y: {
          range: (u, low, high) => {
            if (low === null) return [0, 1];
            const middle = (low + high) / 2;
            const smallest = relative(source) ? 2 : 0.02 * Math.max(Math.abs(low), Math.abs(high));
            const half = 0.6 * Math.max(high - low, smallest, 1e-9);
            return [low >= 0 && !relative(source) ? Math.max(middle - half, 0) : middle - half, middle + half];
          },
        },
      },
      axes: [
        { ...axis, values: labels, space: 90, size: 30, incrs: caseView.now.across === "time" ? whole : [1, 2, 5, 10, 20, 50, 100, 200, 500] },
        { ...axis, values: ticks, size: 62, space: 34, label: relative(source) ? "% from the median" : source.unit, labelSize: 18, labelFont: axis.font, labelGap: 0 },
      ],
      series: [
        {},
        ...data.subjects.map(([index]) => ({ stroke: () => colour(`s${index % 8}`), width: 1.1, spanGaps: true, points: { show: false } })),
        ...(source.bounds ? [hidden, hidden] : []),
      ],
      bands: source.bounds ? [{ series: [data.subjects.length + 2, data.subjects.length + 1], fill: () => colour("band") }] : [],
      hooks: { draw: [paint(source)], setSelect: [(u) => narrow(u)] },
    };
  };

  // What was dragged over becomes the span of all charts, from session to session.
  const narrow = (u) => {
    if (u.select.width < 6) return;
    zoomTo(u.posToVal(u.select.left, "x"), u.posToVal(u.select.left + u.select.width, "x"));
    u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
  };
  const zoomTo = (low, high) => {
    const inside = places().map((x, i) => [x, i]).filter(([x]) => x >= low && x <= high).map(([, i]) => i);
    if (inside.length) zoomBetween(inside[0], inside[inside.length - 1]);
  };
  const zoomBetween = (start, end) => {
    caseView.change({ from: start <= 0 ? "" : data.sessions[start][2], to: end >= last ? "" : data.sessions[end][2] });
  };
  const zoom = (how, around) => {
    const ids = data.sessions.map((session) => session[2]);
    const start = Math.max(ids.indexOf(caseView.now.from), 0);
    const end = caseView.now.to && ids.includes(caseView.now.to) ? ids.indexOf(caseView.now.to) : last;
    const wide = end - start;
    const step = Math.max(Math.round(wide / 4), 1);
    const middle = around ?? (start + end) / 2;
    const moved = (by) => {
      const begin = Math.min(Math.max(start + by, 0), last - wide);
      zoomBetween(begin, begin + wide);
    };
    if (how === "all") zoomBetween(0, last);
    if (how === "earlier") moved(-step);
    if (how === "later") moved(step);
    if (how === "in" && wide > 2) {
      const begin = Math.max(Math.round(middle - wide / 4), start);
      zoomBetween(begin, Math.min(begin + Math.max(Math.round(wide / 2), 2), last));
    }
    if (how === "out") zoomBetween(Math.max(start - Math.ceil(wide / 2), 0), Math.min(end + Math.ceil(wide / 2), last));
  };

  const hide = () => { tip.hidden = true; };
  const say = (chart, s, column) => {
    const { u, source } = chart;
    const place = first[s][column];
    const box = u.over.getBoundingClientRect();
    tip.textContent = describe(source, place);
    tip.hidden = false;
    const x = box.left + u.valToPos(places()[column], "x");
    const y = box.top + u.valToPos(shown(source, source.values[place]), "y");
    const wide = document.documentElement.clientWidth;
    tip.style.left = `${Math.max(x + 14 + tip.offsetWidth > wide ? x - 14 - tip.offsetWidth : x + 14, 4) + window.scrollX}px`;
    tip.style.top = `${y + 12 + window.scrollY}px`;
  };
  const points = (chart) => {
    const [low, high] = span();
    const found = [];
    data.subjects.forEach((_, s) => first[s].forEach((place, column) => {
      const x = places()[column];
      if (place >= 0 && chosen()[s] && chart.source.values[place] !== null && x >= low && x <= high) found.push([s, column]);
    }));
    return found.sort((a, b) => a[1] - b[1] || a[0] - b[0]);
  };
  const nearest = (chart, left, top) => {
    const { u, source } = chart;
    const away = ([s, column]) => {
      const dx = u.valToPos(places()[column], "x") - left;
      const dy = u.valToPos(shown(source, source.values[first[s][column]]), "y") - top;
      return dx * dx + 0.25 * dy * dy;
    };
    return points(chart).reduce((best, each) => (best && away(best) <= away(each) ? best : each), null);
  };
  const open = (chart, [s, column]) => caseView.change({ trial: data.trials.id[first[s][column]], at: chart.source.id });
  const reach = (chart, point) => {
    chart.reached = point;
    say(chart, ...point);
    chart.u.setCursor({ left: chart.u.valToPos(places()[point[1]], "x"), top: 10 });
  };

  const keys = (chart) => (event) => {
    const way = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    const zooms = { "+": "in", "=": "in", "-": "out", 0: "all" };
    if (way && event.shiftKey) zoom(way < 0 ? "earlier" : "later");
    else if (way || event.key === "Home" || event.key === "End") {
      const all = points(chart);
      if (!all.length) return;
      const now = chart.reached ? all.findIndex(([s, c]) => s === chart.reached[0] && c === chart.reached[1]) : -1;
      const next = event.key === "Home" ? 0 : event.key === "End" || now < 0 ? all.length - 1 : now + way;
      reach(chart, all[Math.min(Math.max(next, 0), all.length - 1)]);
    } else if (event.key === "Enter" && chart.reached) open(chart, chart.reached);
    else if (event.key in zooms) zoom(zooms[event.key], chart.reached?.[1]);
    else if (event.key === "Escape" && !tip.hidden) hide();
    else return;
    event.preventDefault();
  };

  const make = (source, tall) => {
    const figure = document.getElementById(source.id);
    if (!source.values.some((value) => value !== null)) return;
    let box = figure.querySelector(".live");
    const chart = charts.get(source.id) ?? { source, reached: null };
    if (!box) {
      box = document.createElement("div");
      box.className = "live";
      box.tabIndex = 0;
      box.setAttribute("role", "application");
      box.setAttribute("aria-roledescription", "chart");
      box.setAttribute("aria-label", figure.querySelector("svg")?.getAttribute("aria-label") ?? source.title);
      box.setAttribute("aria-describedby", "help");
      figure.querySelector(".still").before(box);
      box.addEventListener("keydown", keys(chart));
      box.addEventListener("blur", hide);
      box.addEventListener("pointerleave", hide);
      box.addEventListener("dblclick", () => zoom("all"));
      resizes.observe(box);
    }
    chart.u?.destroy();
    chart.u = new uPlot(options(source, box, tall), columnsOf(source), box);
    chart.tall = tall;
    chart.u.over.addEventListener("pointermove", (event) => {
      const inside = chart.u.over.getBoundingClientRect();
      const point = nearest(chart, event.clientX - inside.left, event.clientY - inside.top);
      if (point) {
        chart.reached = point;
        say(chart, ...point);
      }
    });
    chart.u.over.addEventListener("click", () => { if (chart.reached) open(chart, chart.reached); });
    charts.set(source.id, chart);
  };
  const resizes = new ResizeObserver((entries) => {
    for (const { target } of entries) {
      const chart = charts.get(target.parentElement.id);
      if (chart?.u && target.clientWidth && target.clientWidth !== chart.u.width) chart.u.setSize({ width: target.clientWidth, height: chart.tall });
    }
  });

  const draw = () => {
    hide();
    for (const source of data.series) {
      const visible = caseView.now.series.includes(source.id);
      document.getElementById(source.id).hidden = !visible;
      if (visible) make(source, 230);
    }
    for (const source of data.telemetry) make(source, 120);
  };
  const redraw = () => { for (const { u } of charts.values()) u.redraw(false); };

  for (const button of document.querySelectorAll("[data-zoom]")) button.addEventListener("click", () => zoom(button.dataset.zoom));
  caseView.listen((view, changed) => {
    if (changed.some((name) => ["series", "subjects", "across", "scale"].includes(name))) draw();
    else if (changed.includes("from") || changed.includes("to")) {
      hide();
      const [min, max] = span();
      for (const { u } of charts.values()) u.setScale("x", { min, max });
    } else redraw();
  });
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  draw();
  return { describe, percent, round };
})();
