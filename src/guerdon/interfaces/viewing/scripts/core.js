"use strict";
// The page's core: the state, which is the address; what is asked of the server; elements; texts whose hidden characters can be seen.
const viewer = (() => {
  const $ = (id) => document.getElementById(id);
  const views = {}; // name → {title, show(main, state) → what to do when runs grew, keys: {key: [what it does, run]}}
  const EVERY = 2000; // milliseconds between two looks at whether the runs grew
  const QUESTION = ["split", "step", "reward", "length", "turns", "component", "within", "state", "text", "where", "prompt", "sort"];
  const HIDDEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u115f\u1160\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\ufff9-\ufffb]|[\u{e0000}-\u{e007f}]/gu;
  const NAMED = { "U+001B": "ESC", "U+0000": "NUL", "U+0007": "BEL", "U+0008": "BS", "U+000D": "CR", "U+007F": "DEL" };
  let state = new URLSearchParams(location.search), runs = [], different = [], grew = null, current = null, turn = 0;

  function element(tag, properties = {}, ...children) {
    const made = tag === "svg" || tag.startsWith("svg:") ? document.createElementNS("http://www.w3.org/2000/svg", tag.replace("svg:", "")) : document.createElement(tag);
    for (const [name, value] of Object.entries(properties)) {
      if (value === null || value === undefined || value === false) continue;
      if (name === "style") Object.entries(value).forEach(([key, own]) => made.style.setProperty(key, own));
      else if (name.startsWith("on") || (name in made && !(made instanceof SVGElement) && !["role", "list"].includes(name))) made[name] = value;
      else made.setAttribute(name, value === true ? "" : value);
    }
    made.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
    return made;
  }

  // ---- texts

  function visible(text) {
    const parts = [];
    let last = 0;
    for (const found of text.matchAll(HIDDEN)) {
      const sign = `U+${found[0].codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}`;
      parts.push(text.slice(last, found.index), element("span", { className: "hidden-character", title: `the character ${sign}, which is not shown by itself` }, NAMED[sign] || sign));
      last = found.index + found[0].length;
    }
    return [...parts, text.slice(last)];
  }

  function marked(text, sought = "") { // what was searched for stands out
    if (!sought) return visible(text);
    const parts = [], low = text.toLowerCase(), wanted = sought.toLowerCase();
    let last = 0;
    for (let at = low.indexOf(wanted); at >= 0 && low.length === text.length; at = low.indexOf(wanted, last)) {
      parts.push(...visible(text.slice(last, at)), element("mark", {}, ...visible(text.slice(at, at + wanted.length))));
      last = at + wanted.length;
    }
    return [...parts, ...visible(text.slice(last))];
  }

  const number = (x, digits = 3) => (x === null || x === undefined ? "–" : Math.abs(x) >= 1e5 || (x !== 0 && Math.abs(x) < 1e-3) ? x.toExponential(1) : String(+x.toPrecision(Math.abs(x) >= 100 && Number.isInteger(x) ? 6 : digits)));
  const count = (x) => x.toLocaleString("en-US");
  const keyed = (...keys) => keys.map((key) => element("kbd", { ariaHidden: "true" }, key));

  function say(text, bad = false) { $("say").textContent = text; $("say").classList.toggle("bad", bad); }
  function tell(text) { $("quiet").textContent = text; } // for who listens to the page

  // ---- the server

  async function ask(path, asked = {}) {
    const query = asked instanceof URLSearchParams ? asked : new URLSearchParams(Object.entries(asked).flatMap(([name, value]) => [value].flat().map((own) => [name, own])));
    let answer;
    try {
      answer = await fetch(`/api/${path}?${query}`);
    } catch {
      throw new Error("The server does not answer. It is asked again.");
    }
    const found = await answer.json().catch(() => ({}));
    if (answer.ok) return found;
    throw Object.assign(new Error(answer.status === 401 ? "This page needs its link: open the one that the command printed." : found.error ? found.error.message : `the server says ${answer.status}`), { status: answer.status });
  }

  // ---- the state

  function address(changes, from = state) {
    const to = new URLSearchParams(from);
    for (const [name, value] of Object.entries(changes)) {
      to.delete(name);
      for (const own of [value].flat()) if (own !== null && own !== undefined && own !== "") to.append(name, own);
    }
    return `?${to}`;
  }

  const go = (changes, replace = false) => move(address(changes), replace);
  function move(to, replace = false) {
    history[replace ? "replaceState" : "pushState"](null, "", to);
    state = new URLSearchParams(location.search);
    return show();
  }
  const keep = (changes) => { history.replaceState(null, "", address(changes)); state = new URLSearchParams(location.search); }; // without showing anew
  const link = (changes, properties, ...children) => element("a", { href: address(changes), ...properties }, ...children);
  const question = (more = {}) => { // what is asked of one run
    const to = new URLSearchParams({ run: run(), ...more });
    for (const name of QUESTION) if (state.get(name) && !(name in more)) to.set(name, state.get(name));
    return to;
  };
  const run = () => state.get("run") || (runs[0] && runs[0].name) || "";
  const about = (name = run()) => runs.find((one) => one.name === name);
  const at = (row, more = {}) => ({ view: "rollout", at_step: row.step, place: row.place, split: row.test ? "test" : null, ...more });

  async function show() {
    const name = views[state.get("view")] ? state.get("view") : "overview", mine = ++turn, main = $("main");
    current = name;
    for (const own of document.querySelectorAll("nav a")) {
      own.toggleAttribute("aria-current", own.dataset.view === name);
      own.href = address({ view: own.dataset.view === "overview" ? null : own.dataset.view });
    }
    const place = element("div", { className: `view view-${name}` });
    main.setAttribute("aria-busy", "true");
    grew = null;
    try {
      const later = await views[name].show(place, state);
      if (mine !== turn) return;
      main.replaceChildren(place);
      document.title = `${views[name].title(state)} · Guerdon`;
      grew = typeof later === "function" ? later : null;
      if (views[name].shown) views[name].shown(place);
      say("");
    } catch (error) {
      if (mine !== turn) return;
      main.replaceChildren(element("div", { className: "rest" }, element("h1", {}, "Nothing to show here"), element("p", {}, ...visible(error.message))));
      if (!error.status) setTimeout(() => mine === turn && show(), EVERY);
    }
    main.removeAttribute("aria-busy");
  }

  async function look() {
    try {
      const found = await ask("runs"), before = JSON.stringify(runs.map((one) => [one.name, one.version, one.share, one.live]));
      runs = found.runs;
      different = found.different;
      const wrong = runs.filter((one) => one.error)[0], taken = runs.filter((one) => one.share < 1)[0];
      $("state").replaceChildren(...(taken ? [`${taken.name}: ${Math.floor(100 * taken.share)} % taken in`] : runs.some((one) => one.live) ? [element("i", { className: "live" }), "live"] : []));
      say(wrong ? `${wrong.name}: ${wrong.error}` : "", true);
      if (before !== JSON.stringify(runs.map((one) => [one.name, one.version, one.share, one.live])) && grew) await grew();
    } catch (error) {
      say(error.message, true);
    }
  }

  addEventListener("popstate", () => { state = new URLSearchParams(location.search); show(); });
  addEventListener("click", (event) => {
    const own = event.target.closest("a[href^='?']");
    if (!own || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    event.preventDefault();
    move(own.getAttribute("href"));
    scrollTo(0, 0);
  });

  async function begin() {
    await look();
    await show();
    setInterval(look, EVERY);
  }

  return { $, views, element, visible, marked, number, count, keyed, say, tell, ask, address, go, keep, link, question, run, about, at, show, begin, QUESTION,
    get state() { return state; }, get runs() { return runs; }, get different() { return different; }, get current() { return current; } };
})();
