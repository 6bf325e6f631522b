"use strict";
// The overview: runs side by side, with the curves that were picked, and the settings in which the runs differ.
(() => {
  const { element, link, number, count, chart } = viewer;
  const USUAL = ["reward", "eval/reward", "loss", "completions/mean_length", "kl", "entropy", "reward_std", "rewards/accuracies", "eval/loss", "grad_norm"], FEW = 6;
  let change = () => {}; // what is shown, without the page being built anew

  const names = () => [...new Set(viewer.runs.flatMap((run) => run.metrics))];
  const usual = () => { const there = names(), first = USUAL.filter((name) => there.includes(name)); return (first.length ? first : there).slice(0, FEW); };
  const chosen = () => { const asked = viewer.state.getAll("with"); return viewer.runs.filter((run) => !asked.length || asked.includes(run.name)); };
  const picked = () => (viewer.state.has("metric") ? viewer.state.getAll("metric") : usual());

  function runs() {
    const on = chosen();
    return viewer.runs.map((run, i) => {
      const rest = on.includes(run) ? on.filter((own) => own !== run) : [...on, run];
      const box = element("input", { type: "checkbox", checked: on.includes(run), onchange: () => change({ with: rest.length === viewer.runs.length || !rest.length ? null : rest.map((own) => own.name) }) });
      return element("div", { className: "card run-card", style: { "border-top-color": chart.colour(i) } },
        element("label", {}, box, element("b", {}, run.name), run.live ? element("span", { className: "pill good" }, "live") : null),
        element("p", {}, run.steps ? `step ${count(run.step)} of ${count(run.steps)}` : `${count(run.step)} steps`, run.damaged ? ` · ${run.damaged} lines could not be read` : "", run.share < 1 ? ` · ${Math.floor(100 * run.share)} % taken in` : ""),
        run.steps ? element("div", { className: "bar" }, element("i", { style: { width: `${Math.min(100, (100 * run.step) / run.steps)}%` } })) : null,
        element("p", {}, run.sampled ? link({ view: "rollouts", run: run.name, split: null }, {}, `${count(run.sampled)} rollouts`) : "no rollouts", run.test ? [" · ", link({ view: "rollouts", run: run.name, split: "test" }, {}, `${count(run.test)} held out`)] : []));
    });
  }

  function picker() {
    const list = element("div", { className: "checks" });
    const fill = (sought) => list.replaceChildren(...names().filter((name) => name.toLowerCase().includes(sought.toLowerCase())).map((name) => element("label", {},
      element("input", { type: "checkbox", checked: picked().includes(name), onchange: (event) => change({ metric: event.target.checked ? [...picked(), name] : picked().filter((own) => own !== name) }) }), name)));
    fill("");
    return element("details", { className: "picker" }, element("summary", {}, `Metrics (${picked().length})`),
      element("input", { type: "search", className: "seek", placeholder: "Find a metric", ariaLabel: "Find a metric", oninput: (event) => fill(event.target.value) }), list,
      element("button", { type: "button", onclick: () => { change({ metric: null }); fill(""); } }, "The usual ones"));
  }

  async function charts() {
    const on = chosen(), wanted = picked().filter((name) => names().includes(name)), log = viewer.state.get("log") === "1", smooth = Math.min(0.99, Number(viewer.state.get("smooth")) || 0);
    const found = wanted.length ? await viewer.ask("curves", { run: on.map((run) => run.name), name: wanted }) : {};
    chart.clear();
    return wanted.map((name) => chart(name, viewer.runs.map((run, index) => ({ name: run.name, index, curve: found[name][run.name] })).filter((line) => line.curve && line.curve.steps.length), { log, smooth,
      picked: (step, lines) => { const own = lines.map((line) => viewer.about(line.name)).find((run) => run.sampled); if (own) viewer.go({ view: "rollouts", run: own.name, step, split: null }); } }));
  }

  function differences() {
    if (viewer.runs.length < 2 || !viewer.different.length) return null;
    return element("section", { className: "part" }, element("h2", {}, "What differs in their settings"), element("div", { className: "card wide", tabIndex: 0, role: "region", ariaLabel: "What differs in their settings" },
      element("table", {}, element("thead", {}, element("tr", {}, element("th", { scope: "col" }, "setting"), ...viewer.runs.map((run) => element("th", { scope: "col" }, run.name)))),
        element("tbody", {}, ...viewer.different.map(([key, values]) => element("tr", {}, element("th", { scope: "row" }, key), ...values.map((value) => element("td", {}, value || "–"))))))));
  }

  viewer.views.overview = {
    title: () => (viewer.runs.length === 1 ? viewer.runs[0].name : `${viewer.runs.length} runs`),
    async show(main, state) {
      const cards = element("div", { className: "runs" }, ...runs()), grid = element("div", { className: "charts" }), own = picker();
      const smooth = element("input", { type: "range", min: 0, max: 0.99, step: 0.01, value: state.get("smooth") || 0, ariaLabel: "Smoothing" });
      const said = element("output", {}, number(Number(smooth.value), 2)), log = element("input", { type: "checkbox", onchange: (event) => change({ log: event.target.checked ? "1" : null }) });
      smooth.oninput = () => { said.textContent = smooth.value; };
      smooth.onchange = () => change({ smooth: Number(smooth.value) ? smooth.value : null });
      const draw = async () => {
        const found = await charts(), at = [...cards.querySelectorAll("input")].indexOf(document.activeElement);
        cards.replaceChildren(...runs());
        if (at >= 0) cards.querySelectorAll("input")[at].focus();
        grid.replaceChildren(...(found.length ? found : [element("p", { className: "none" }, "No metric is picked.")]));
        log.checked = viewer.state.get("log") === "1";
        own.querySelector("summary").textContent = `Metrics (${picked().length})`;
      };
      change = async (changes) => { viewer.keep(changes); await draw(); };
      await draw();
      main.append(cards, element("div", { className: "tools charttools", role: "group", ariaLabel: "Curves" }, own, element("label", {}, "Smoothing ", smooth, said), element("label", {}, log, "Log scale")), grid, ...[differences()].filter(Boolean));
      return async () => { if (main.querySelector("svg:focus, svg:hover")) cards.replaceChildren(...runs()); else await draw(); };
    },
    keys: {
      l: ["Log scale", () => change({ log: viewer.state.get("log") === "1" ? null : "1" })],
      m: ["Pick metrics", () => { const own = document.querySelector(".picker"); own.open = true; own.querySelector("input").focus(); }],
    },
  };
})();
