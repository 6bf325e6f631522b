"use strict";
// A chart of one metric of several runs: smoothed or not, on a linear or logarithmic axis, with a cursor that all charts of the page share.
viewer.chart = (() => {
  const { element, number } = viewer;
  const HEIGHT = 230, LEFT = 52, RIGHT = 12, TOP = 10, BOTTOM = 26;
  const all = new Set(); // those on the page
  const colour = (i) => `var(--run-${i % 8})`;

  function smoothed(values, share) { // a running mean, without the pull of where it began
    let sum = 0, weight = 0;
    return values.map((value) => ((sum = share * sum + (1 - share) * value), (weight = share * weight + (1 - share)), sum / weight));
  }

  function ticks(low, high, most) {
    const rough = (high - low) / most || 1, size = 10 ** Math.floor(Math.log10(rough)), step = size * [1, 2, 5, 10].find((x) => x * size >= rough * 0.999);
    const found = [];
    for (let x = Math.ceil(low / step - 1e-9) * step; x <= high + step * 1e-9; x += step) found.push(Math.abs(x) < step * 1e-9 ? 0 : x);
    return found;
  }

  // lines: [{name, index, curve}]; picked(step, name): a step was clicked
  function chart(title, lines, { log, smooth, picked }) {
    const drawn = lines.map((line) => {
      const good = line.curve.values.map((value, i) => [line.curve.steps[i], value, line.curve.low[i], line.curve.high[i]]).filter(([, value]) => !log || value > 0);
      return { ...line, steps: good.map(([step]) => step), raw: good.map(([, value]) => value), low: good.map(([, , low]) => low), high: good.map(([, , , high]) => high),
        values: smoothed(good.map(([, value]) => value), smooth) };
    }).filter((line) => line.steps.length);
    const place = element("div", { className: "plot" }), figure = element("figure", { className: "card chart" }, element("figcaption", {}, title), place);
    const tip = element("div", { className: "tip", hidden: true });
    const scale = log ? Math.log10 : (x) => x;
    let draw = () => {}, step = null;

    function render() {
      const width = place.clientWidth;
      if (!width) return;
      if (!drawn.length) return place.replaceChildren(element("p", { className: "none" }, log ? "no value above 0" : "not logged"));
      const steps = drawn.flatMap((line) => [line.steps[0], line.steps.at(-1)]), first = Math.min(...steps), last = Math.max(...steps);
      let ends = drawn.flatMap((line) => [...line.values, ...(line.raw.length < 400 ? line.raw : [])]).map(scale), low = Math.min(...ends), high = Math.max(...ends);
      if (high - low < 1e-12) [low, high] = [low - Math.abs(low) * 0.1 - 1e-3, high + Math.abs(high) * 0.1 + 1e-3];
      [low, high] = [low - (high - low) * 0.04, high + (high - low) * 0.04];
      const x = (at) => LEFT + ((at - first) / (last - first || 1)) * (width - LEFT - RIGHT);
      const y = (at) => TOP + (1 - (scale(at) - low) / (high - low)) * (HEIGHT - TOP - BOTTOM);
      const path = (at, values) => at.map((own, i) => `${i ? "L" : "M"}${x(own).toFixed(1)} ${Math.max(-99, Math.min(HEIGHT + 99, y(values[i]))).toFixed(1)}`).join("");
      const marks = log ? ticks(low, high, 4).map((own) => 10 ** own) : ticks(low, high, 4);
      const cursor = element("svg:line", { class: "cursor", y1: TOP, y2: HEIGHT - BOTTOM, visibility: "hidden" });
      const dots = drawn.map((line) => element("svg:circle", { r: 3.5, visibility: "hidden", style: { fill: colour(line.index) } }));
      const said = drawn.map((line) => `${line.name} from ${number(line.raw[0])} to ${number(line.raw.at(-1))}`).join(", ");
      const svg = element("svg", { viewBox: `0 0 ${width} ${HEIGHT}`, width, height: HEIGHT, role: "img", tabindex: 0, "aria-label": `${title} by step: ${said}` },
        ...marks.flatMap((own) => [element("svg:line", { class: "grid", x1: LEFT, x2: width - RIGHT, y1: y(own), y2: y(own) }), element("svg:text", { x: LEFT - 6, y: y(own) + 4, "text-anchor": "end" }, number(own, 2))]),
        ...ticks(first, last, Math.max(2, width / 90)).filter(Number.isInteger).map((own) => element("svg:text", { x: x(own), y: HEIGHT - 8, "text-anchor": "middle" }, String(own))),
        ...drawn.flatMap((line) => [
          line.low.some((own, i) => own !== line.high[i]) ? element("svg:path", { class: "band", d: path([...line.steps, ...[...line.steps].reverse()], [...line.high, ...[...line.low].reverse()]) + "Z", style: { fill: colour(line.index) } }) : null,
          smooth ? element("svg:path", { class: "pale", d: path(line.steps, line.raw), style: { stroke: colour(line.index) } }) : null,
          element("svg:path", { class: "curve", d: path(line.steps, line.values), style: { stroke: colour(line.index), "stroke-dasharray": line.index > 7 ? "7 4" : "none" } }),
          line.steps.length < 40 ? line.steps.map((own, i) => element("svg:circle", { class: "point", r: 2.2, cx: x(own), cy: y(line.values[i]), style: { fill: colour(line.index) } })) : null,
        ]), cursor, ...dots);
      const nearest = (client) => {
        const at = first + ((client - svg.getBoundingClientRect().left - LEFT) / (width - LEFT - RIGHT)) * (last - first);
        return drawn.flatMap((line) => line.steps).reduce((best, own) => (Math.abs(own - at) < Math.abs(best - at) ? own : best), drawn[0].steps[0]);
      };
      draw = (at) => {
        step = at;
        const hidden = at === null || at < first || at > last;
        cursor.setAttribute("visibility", hidden ? "hidden" : "visible");
        tip.hidden = hidden;
        if (hidden) return dots.forEach((dot) => dot.setAttribute("visibility", "hidden"));
        cursor.setAttribute("x1", x(at)); cursor.setAttribute("x2", x(at));
        tip.replaceChildren(element("b", {}, `step ${at}`), ...drawn.map((line, k) => {
          const i = at > line.steps.at(-1) ? -1 : line.steps.findLastIndex((own) => own <= at);
          dots[k].setAttribute("visibility", i < 0 ? "hidden" : "visible");
          if (i < 0) return null;
          dots[k].setAttribute("cx", x(line.steps[i])); dots[k].setAttribute("cy", y(line.values[i]));
          return element("span", {}, element("i", { className: "swatch", style: { background: colour(line.index) } }), drawn.length > 1 ? `${line.name} ` : "", element("b", {}, number(line.values[i], 4)), line.steps[i] === at ? "" : ` at ${line.steps[i]}`, smooth ? ` (${number(line.raw[i], 4)})` : "");
        }).filter(Boolean));
        tip.style.left = `${Math.min(Math.max(x(at) + 12, 0), Math.max(0, width - tip.offsetWidth))}px`;
        if (x(at) + 12 + tip.offsetWidth > width) tip.style.left = `${Math.max(0, x(at) - tip.offsetWidth - 12)}px`;
      };
      const share = (at) => all.forEach((other) => other(at));
      svg.onpointermove = (event) => share(nearest(event.clientX));
      svg.onpointerleave = () => share(null);
      svg.onblur = () => share(null);
      svg.onclick = (event) => picked && picked(nearest(event.clientX), drawn);
      svg.onkeydown = (event) => {
        const known = [...new Set(drawn.flatMap((line) => line.steps))].sort((a, b) => a - b), i = step === null ? known.length - 1 : known.indexOf(step);
        const to = { ArrowLeft: i - 1, ArrowRight: i + 1, Home: 0, End: known.length - 1 }[event.key];
        if (to !== undefined && known[to] !== undefined) { event.preventDefault(); event.stopPropagation(); share(known[to]); viewer.tell(tip.innerText); }
        if (event.key === "Enter" && picked && step !== null) picked(step, drawn);
      };
      place.replaceChildren(svg, tip);
    }

    const cursor = (at) => draw(at);
    all.add(cursor);
    new ResizeObserver(() => (figure.isConnected ? render() : all.delete(cursor))).observe(place);
    return figure;
  }
  return Object.assign(chart, { colour, clear: () => all.clear() });
})();
