"use strict";
// The page: asks for what is to be labelled, shows it, reads keys, and sends what was said until the server has it. What is asked is a kind's own script,
// which calls page.kind({question, begin(task, work)}); begin returns {buttons, before}. A button: {keys, label, run, main, ready, pressed}.
const page = (() => {
  const $ = (id) => document.getElementById(id);
  const NAMES = { ArrowLeft: "←", ArrowRight: "→", ArrowUp: "↑", ArrowDown: "↓", Enter: "Enter", Backspace: "⌫" };
  const REASONS = ["It cannot be judged", "I do not know enough of this", "It is harmful or private", "It is broken"];
  let kind, task, buttons = [], busy = false, began = 0, seen = 0, poll;

  function element(tag, properties = {}, ...children) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(properties)) name in made && name !== "role" ? (made[name] = value) : made.setAttribute(name, value);
    made.append(...children);
    return made;
  }

  function turns(list) {
    return list.map((turn) => element("div", { className: "turn" }, ...(turn.role ? [element("span", { className: "role" }, turn.role)] : []),
      element("p", { className: "text", dir: "auto" }, turn.text)));
  }

  const keyed = (keys) => keys.map((key) => element("kbd", { ariaHidden: "true" }, NAMES[key] || key));

  function say(text, bad = false) { $("say").textContent = text; $("say").classList.toggle("bad", bad); }

  // ---- the server

  async function ask(path, body) {
    for (let wait = 500; ; wait = Math.min(wait * 2, 5000)) {
      let answer;
      try {
        answer = await fetch(path, body ? { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) } : {});
      } catch {
        say(body ? "Not saved yet: the server does not answer. It is tried again; keep this page open." : "The server does not answer. It is tried again.", true);
        await new Promise((done) => setTimeout(done, wait));
        continue;
      }
      say("");
      const found = await answer.json().catch(() => ({}));
      if (answer.ok) return found;
      throw Object.assign(new Error(found.error ? found.error.message : `the server says ${answer.status}`), { status: answer.status });
    }
  }

  async function act(path, body) {
    if (busy) return;
    busy = true;
    document.body.setAttribute("aria-busy", "true");
    try {
      show(await ask(path, body && { ...body, key: crypto.getRandomValues(new Uint32Array(4)).join("-") }));
    } catch (error) {
      if (error.status === 401) rest("This page needs your link", "Open the link that you were given; it says who you are.");
      else if (error.status === 409 && task && path !== "/api/undo" && error.message.includes("already")) { busy = false; say(error.message, true); return load(); }
      else if (error.status === 403 && !task) rest("Nothing to label here", error.message);
      else say(error.message, true);
    } finally {
      busy = false;
      document.body.removeAttribute("aria-busy");
    }
  }

  const load = () => act("/api/task");
  const seconds = () => (seen + (document.hidden ? 0 : performance.now() - began)) / 1000;
  const send = (answer) => task && act("/api/label", { item: task.item, answer, note: $("note-text").value, seconds: seconds() });
  const skip = (reason) => { $("skipping").close(); if (task) act("/api/skip", { item: task.item, reason, seconds: seconds() }); };
  const undo = () => !$("undo").disabled && act("/api/undo", {});

  // ---- what is shown

  function show(found) {
    clearTimeout(poll);
    const { mine, settled, total, undo: back } = found.progress;
    $("count").replaceChildren(element("b", {}, String(mine)), ` by you · ${settled} of ${total} rows done`);
    $("progress").setAttribute("aria-valuemax", total);
    $("progress").setAttribute("aria-valuenow", settled);
    $("progress").firstElementChild.style.width = `${total ? (100 * settled) / total : 0}%`;
    $("undo").disabled = !back;
    task = found.task;
    for (const id of ["note", "skip"]) $(id).disabled = !task;
    if (!task) {
      if (found.waiting) { poll = setTimeout(load, 5000); return rest("Nothing for you just now", "Others are at work on the rows that are left. This page looks again by itself."); }
      return rest("All done", mine ? `You labelled ${mine}. Thank you.` : "There is nothing to label.");
    }
    $("question").textContent = kind.question;
    $("prompt").hidden = !task.prompt.length;
    $("prompt").replaceChildren(...turns(task.prompt));
    $("work").replaceChildren();
    $("note-text").value = task.before ? task.before.note : "";
    $("skip-text").value = "";
    const begun = kind.begin(task, $("work"));
    buttons = begun.buttons;
    $("choices").hidden = false;
    $("choices").firstElementChild.replaceChildren(...buttons.filter((one) => !one.hidden).map((one) => {
      one.element = element("button", { type: "button", className: one.main ? "main" : "", onclick: () => press(one) }, one.label, ...keyed(one.keys.slice(0, 2)));
      one.element.setAttribute("aria-keyshortcuts", one.keys.join(" "));
      return one.element;
    }));
    if (task.before && task.before.answer) begun.before(task.before.answer);
    refresh();
    scrollTo(0, 0);
    $("main").focus({ preventScroll: true });
    $("quiet").textContent = `${kind.question} ${settled} of ${total} rows done.`;
    [began, seen] = [performance.now(), 0];
  }

  function rest(title, text) {
    task = null;
    buttons = [];
    $("question").textContent = "";
    $("prompt").hidden = $("choices").hidden = true;
    $("work").replaceChildren(element("div", { className: "rest" }, element("h1", {}, title), element("p", {}, text)));
    $("quiet").textContent = `${title}. ${text}`;
  }

  function refresh() {
    for (const one of buttons) {
      if (!one.element) continue;
      one.element.disabled = one.ready ? !one.ready() : false;
      if (one.pressed) one.element.setAttribute("aria-pressed", String(one.pressed()));
    }
    $("note").classList.toggle("chosen", Boolean($("note-text").value.trim()));
  }

  function press(one) {
    if (busy || !task || (one.ready && !one.ready())) return;
    one.run();
    refresh();
  }

  // ---- keys

  function open(dialog) { if (!document.querySelector("dialog[open]")) dialog.showModal(); }
  const TOOLS = { u: undo, n: () => task && open($("noting")), s: () => task && open($("skipping")), "?": help };

  function help() {
    const listed = [...buttons.map((one) => [one.keys, one.says || one.label]), [["u"], "Undo, as often as you like"], [["n"], "Write a note"], [["s"], "Skip, with a reason"], [["?"], "These keys"]];
    $("keys").querySelector("dl").replaceChildren(...listed.flatMap(([keys, label]) => [element("dt", {}, ...keyed(keys)), element("dd", {}, label)]));
    open($("keys"));
  }

  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("textarea")) return;
    const reasons = $("skipping").open && REASONS[Number(event.key) - 1];
    if (reasons) return event.preventDefault(), skip(reasons);
    if (document.querySelector("dialog[open]")) return;
    if (["Enter", " "].includes(event.key) && event.target.closest("button, a")) return; // the button's own
    const name = (event.shiftKey && event.key.startsWith("Arrow") ? "Shift+" : "") + (event.key.length === 1 ? event.key.toLowerCase() : event.key);
    const one = buttons.find((button) => button.keys.includes(name));
    if (one) { event.preventDefault(); press(one); }
    else if (TOOLS[name] && !event.repeat) { event.preventDefault(); TOOLS[name](); }
  });
  addEventListener("visibilitychange", () => { if (document.hidden) seen += performance.now() - began; else began = performance.now(); });
  $("undo").onclick = undo;
  $("note").onclick = TOOLS.n;
  $("skip").onclick = TOOLS.s;
  $("help").onclick = help;
  $("noting").onclose = refresh;
  $("skip-send").onclick = () => skip($("skip-text").value);
  $("skipping").querySelector(".reasons").append(...REASONS.map((reason, i) => element("button", { type: "button", onclick: () => skip(reason) }, element("kbd", {}, String(i + 1)), reason)));

  return { element, turns, keyed, send, refresh, say, kind: (given) => { kind = given; load(); } };
})();
