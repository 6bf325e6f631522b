"use strict";
// Keys: those of the view, those of every view, and g with a letter; then the page begins.
(() => {
  const { $, element, views, keyed } = viewer;
  const NAMES = { ArrowLeft: "←", ArrowRight: "→", ArrowUp: "↑", ArrowDown: "↓", Escape: "Esc", PageDown: "PgDn", PageUp: "PgUp" };
  const PLACES = { o: ["Overview", { view: null }], r: ["Rollouts", { view: "rollouts" }], t: ["Tree of the rollout", { view: "tree" }], c: ["Compare the prompt", null] };
  let waiting = 0;

  const COMMON = {
    "/": ["Search in texts", () => viewer.go({ view: "rollouts" }).then(() => $("seek").focus())],
    y: ["Copy the link to what is shown", () => navigator.clipboard.writeText(location.href).then(() => viewer.tell("The link is copied."), () => viewer.say(location.href))],
    "?": ["These keys", help],
  };
  const bound = (name) => {
    const own = Object.entries(views[viewer.current]?.keys || {}).find(([keys]) => keys.split(" ").includes(name));
    return own ? own[1] : COMMON[name];
  };

  function place(letter) {
    if (letter === "c") {
      const own = document.querySelector(".path a[href*='view=compare']");
      return own ? own.click() : viewer.go({ view: "compare" });
    }
    return viewer.go(PLACES[letter][1]);
  }

  function help() {
    const row = ([keys, [label]]) => [element("dt", {}, ...keyed(...keys.split(" ").map((key) => NAMES[key] || key))), element("dd", {}, label)];
    const own = Object.entries(views[viewer.current]?.keys || {}), common = Object.entries(COMMON).filter(([keys]) => !own.some(([other]) => other === keys));
    $("keys").querySelector("dl").replaceChildren(...own.flatMap(row), ...Object.entries(PLACES).flatMap(([letter, [label]]) => [element("dt", {}, ...keyed("g", letter)), element("dd", {}, label)]), ...common.flatMap(row));
    if (!$("keys").open) $("keys").showModal();
  }

  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    if (event.target.closest("input:not([type=checkbox], [type=range]), textarea, select")) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    if (["Enter", " "].includes(event.key) && event.target.closest("button, a, summary, input")) return; // its own
    if (event.key.startsWith("Arrow") && event.target.closest("input")) return;
    if (waiting && performance.now() - waiting < 1500 && PLACES[event.key]) { waiting = 0; event.preventDefault(); place(event.key); return; }
    waiting = event.key === "g" ? performance.now() : 0;
    const found = bound(event.key);
    if (found) { event.preventDefault(); found[1](); }
  });
  $("help").onclick = help;
  viewer.begin();
})();
