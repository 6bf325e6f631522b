"use strict";
// The rollouts of a run: asked for by what stands in the address, in a list of which only what is seen is there.
(() => {
  const { element, visible, marked, number, count } = viewer;
  const PAGE = 100, MOST = 8e6; // rows that are fetched at once; pixels of the longest list
  const STATES = { "": "any", valid: "valid", invalid: "without a reward", failed: "reward failed", cut: "cut off", ended: "ended by itself", forked: "forked" };
  let list = null; // the one that is shown

  // ---- what is asked

  function field(label, name, properties = {}) {
    const input = element("input", { type: "text", name, value: viewer.state.get(name) || "", size: 7, autocomplete: "off", spellcheck: false, ...properties });
    input.onchange = () => change({ [name]: input.value.trim() });
    return element("label", { className: `field for-${name}` }, element("span", {}, label), input);
  }

  function choice(label, name, options) {
    const select = element("select", { name, onchange: () => change({ [name]: select.value }) }, ...Object.entries(options).map(([value, text]) => element("option", { value, selected: (viewer.state.get(name) || "") === value }, text)));
    return element("label", { className: `field for-${name}` }, element("span", {}, label), select);
  }

  const change = (changes) => viewer.go({ ...changes, row: null }, true);

  function form() {
    const run = viewer.about(), range = (name) => (run.ranges[name].length ? `${number(run.ranges[name][0])} to ${number(run.ranges[name][1])}` : "");
    const sorts = ["step", "reward", "length", "turns", ...run.components].flatMap((name) => [[name === "step" ? "" : name, `${name} ↑`], [`-${name}`, `${name} ↓`]]);
    const asked = ["step", "reward", "length", "turns", "component", "within", "state", "prompt"].filter((name) => viewer.state.get(name)).length;
    const seek = field("Search in texts", "text", { type: "search", id: "seek", size: 24, placeholder: "three letters or more" });
    const more = element("details", { className: "more", open: innerWidth > 640 || list?.open }, element("summary", {}, asked ? `Filters (${asked})` : "Filters"), element("div", { className: "fields" },
      field("Step", "step", { placeholder: "3-8" }), field("Reward", "reward", { placeholder: range("reward") }), field("Tokens", "length", { placeholder: range("length") }), field("Turns", "turns", { placeholder: range("turns") }),
      choice("State", "state", STATES), choice("Reward called", "component", { "": "any", ...Object.fromEntries(run.components.map((name) => [name, name])) }),
      viewer.state.get("component") ? field("within", "within", { placeholder: "0-0.5" }) : null,
      viewer.state.get("prompt") ? element("button", { type: "button", onclick: () => change({ prompt: null }) }, "Of any prompt ×") : null));
    return element("form", { className: "asked", role: "search", onsubmit: (event) => { event.preventDefault(); document.activeElement.blur(); } },
      choice("Run", "run", Object.fromEntries(viewer.runs.map((own) => [own.name, own.name]))), choice("Of", "split", { "": "training", test: "held-out prompts" }),
      seek, choice("in", "where", { "": "both", said: "answers", asked: "prompts" }), choice("Order", "sort", Object.fromEntries(sorts)), more,
      element("button", { type: "button", className: "clear", onclick: () => viewer.go(Object.fromEntries([...viewer.QUESTION, "row"].map((name) => [name, null]))) }, "Clear"));
  }

  // ---- the list

  const flags = (row) => [row.failed ? element("span", { className: "pill bad", title: "its reward failed" }, "failed") : row.valid ? null : element("span", { className: "pill", title: "it has no reward" }, "no reward"),
    row.cut ? element("span", { className: "pill", title: "it reached the length limit" }, "cut") : null, row.forked ? element("span", { className: "pill", title: "it was forked off another" }, "forked") : null,
    row.turns_taken > 1 ? element("span", { className: "pill" }, `${row.turns_taken} turns`) : null];

  function gauge(row, range) {
    const [low, high] = range.length ? range : [0, 1], share = row.reward === null ? 0 : (row.reward - low) / (high - low || 1);
    return element("span", { className: "gauge" }, element("b", {}, number(row.reward)), element("i", {}, element("i", { style: { width: `${Math.max(0, Math.min(1, share)) * 100}%` } })));
  }

  function filled(line, row, run, sought) {
    const parts = Object.entries(row.components), shown = parts.length > 1 ? parts.slice(0, 4).map(([name, value]) => `${name} ${number(value)}`).join("  ") : "";
    line.replaceChildren(element("span", { className: "where", role: "gridcell" }, element("b", {}, String(row.step)), `.${row.place}`),
      element("span", { className: "texts", role: "gridcell" }, element("span", { className: "prompted", dir: "auto" }, ...marked(row.asked, sought)), element("span", { className: "answered", dir: "auto" }, ...(row.said ? marked(row.said, sought) : ["(nothing)"]))),
      element("span", { className: "scores", role: "gridcell" }, gauge(row, run.ranges.reward), element("small", {}, ...visible(shown))),
      element("span", { className: "size", role: "gridcell" }, `${count(row.length)} tok`), element("span", { className: "flags", role: "gridcell" }, ...flags(row).filter(Boolean)));
  }

  function rows(box, run) {
    const high = () => (innerWidth > 640 ? 46 : 92), pages = new Map(), sought = viewer.state.get("text") || "";
    const inner = element("div", { className: "inner", role: "presentation" }), own = { total: 0, selected: Math.max(0, Number(viewer.state.get("row")) || 0), open: list?.open };
    box.append(inner);
    let drawn = new Map(), wanted = 0;
    const size = () => Math.min(own.total * high(), MOST);
    const scale = () => (own.total * high() > MOST ? (own.total * high() - box.clientHeight) / (MOST - box.clientHeight) : 1);

    async function page(i) {
      if (!pages.has(i)) pages.set(i, viewer.ask("rollouts", viewer.question({ at: i * PAGE, count: PAGE })).catch((error) => { pages.delete(i); throw error; }));
      return pages.get(i);
    }

    function draw() {
      const h = high(), top = box.scrollTop, first = Math.max(0, Math.floor((top * scale()) / h) - 6), last = Math.min(own.total, first + Math.ceil(box.clientHeight / h) + 12);
      inner.style.height = `${size()}px`;
      const next = new Map(), mine = ++wanted;
      for (let i = first; i < last; i++) {
        const line = drawn.get(i) || element("div", { className: "line", role: "row", id: `row-${i}`, "aria-rowindex": i + 1, onclick: () => { own.select(i); own.enter(); } });
        line.style.transform = `translateY(${i * h - top * (scale() - 1)}px)`;
        line.setAttribute("aria-selected", i === own.selected);
        next.set(i, line);
        if (!line.isConnected) inner.append(line);
      }
      for (const [i, line] of drawn) if (!next.has(i)) line.remove();
      drawn = next;
      for (let i = Math.floor(first / PAGE); i * PAGE < last; i++) page(i).then((found) => {
        if (mine === wanted || inner.isConnected) found.rows.forEach((row, k) => { const line = drawn.get(i * PAGE + k); if (line && line.row !== row) { line.row = row; filled(line, row, run, sought); } });
      }).catch((error) => viewer.say(error.message, true));
    }

    own.start = async () => {
      own.total = (await page(0)).total;
      own.selected = Math.min(own.selected, Math.max(0, own.total - 1));
      box.setAttribute("aria-rowcount", own.total);
      own.said.replaceChildren(element("b", {}, count(own.total)), own.total === 1 ? " rollout" : " rollouts", ` of ${count(viewer.state.get("split") === "test" ? run.test : run.sampled)}`);
    };
    own.place = () => { draw(); own.select(own.selected); };
    own.select = (i) => {
      if (!own.total) return;
      own.selected = Math.max(0, Math.min(own.total - 1, i));
      const h = high(), at = (own.selected * h) / scale();
      if (at < box.scrollTop) box.scrollTop = at;
      else if (at + h > box.scrollTop + box.clientHeight) box.scrollTop = at + h - box.clientHeight;
      box.setAttribute("aria-activedescendant", `row-${own.selected}`);
      draw();
    };
    own.enter = async () => {
      if (!own.total) return;
      const found = await page(Math.floor(own.selected / PAGE)), row = found.rows[own.selected % PAGE];
      viewer.keep({ row: own.selected || null });
      viewer.go(viewer.at(row, { run: run.name }));
    };
    own.step = () => Math.max(1, Math.floor(box.clientHeight / high()) - 1);
    own.again = async () => { pages.clear(); await own.start(); for (const line of drawn.values()) line.row = null; draw(); };
    box.onscroll = () => requestAnimationFrame(draw);
    new ResizeObserver(() => box.isConnected && draw()).observe(box);
    return own;
  }

  viewer.views.rollouts = {
    title: () => `Rollouts of ${viewer.run()}`,
    async show(main) {
      const run = viewer.about();
      if (!run) throw Object.assign(new Error("There is no such run here."), { status: 404 });
      const box = element("div", { className: "list", role: "grid", tabIndex: 0, ariaLabel: "Rollouts", "aria-readonly": "true" });
      const fresh = rows(box, run);
      fresh.said = element("p", { className: "total", role: "status" });
      main.append(form(), fresh.said, box);
      list = fresh;
      try {
        await fresh.start();
        if (!fresh.total) box.replaceWith(element("div", { className: "rest" }, element("p", {}, run.sampled + run.test ? "Nothing is like this. Change a filter, or clear them." : "No rollout was logged yet.")));
      } catch (error) {
        if (!error.status) throw error;
        box.replaceWith(element("div", { className: "rest bad" }, element("p", {}, ...visible(error.message))));
      }
      return async () => { run.ranges = viewer.about().ranges; if (box.isConnected) await fresh.again(); else if (!fresh.total && main.querySelector(".rest:not(.bad)")) await viewer.show(); };
    },
    shown: (main) => { const box = main.querySelector(".list"); if (box) { list.place(); if (!document.activeElement || document.activeElement === document.body) box.focus({ preventScroll: true }); } },
    keys: {
      "j ArrowDown": ["Next", () => list.select(list.selected + 1)],
      "k ArrowUp": ["The one before", () => list.select(list.selected - 1)],
      PageDown: ["A screen on", () => list.select(list.selected + list.step())],
      PageUp: ["A screen back", () => list.select(list.selected - list.step())],
      Home: ["First", () => list.select(0)],
      "End G": ["Last", () => list.select(list.total - 1)],
      Enter: ["Open", () => list.enter()],
      "/": ["Search in texts", () => { const own = viewer.$("seek"); own.focus(); own.select(); }],
    },
  };
  Object.assign(viewer, { flags, gauge });
})();
