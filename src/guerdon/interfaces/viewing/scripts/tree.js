"use strict";
// The tree of the answers to one prompt: what they have in common stands once.
(() => {
  const { element, link, visible, number, count } = viewer;

  function branch(own, level, range) {
    const [low, high] = range, share = own.reward === null ? 0 : (own.reward - low) / (high - low || 1);
    const inner = own.children.length ? element("ul", { role: "group" }, ...own.children.map((child) => branch(child, level + 1, range))) : null;
    const long = own.text.length > 400, shown = long ? `${own.text.slice(0, 240)} … ${own.text.slice(-120)}` : own.text;
    const text = element("p", { className: "text", dir: "auto" }, ...visible(shown || (level ? "(ends here)" : "(nothing in common)")));
    const item = element("li", { role: "treeitem", tabIndex: -1, "aria-level": level + 1, "aria-expanded": inner ? "true" : null },
      element("div", { className: "node" }, element("header", {}, element("span", { className: "gauge" }, element("b", {}, number(own.reward)), element("i", {}, element("i", { style: { width: `${Math.max(0, Math.min(1, share)) * 100}%` } }))),
        element("span", { className: "none" }, own.answers === 1 ? "" : `${own.answers} answers · `, `${count(own.tokens)} tokens`), ...own.ends.map((end) => link(viewer.at(end), { className: "button end" }, `rollout ${end.place}`)),
        long ? element("button", { type: "button", onclick: (event) => { text.replaceChildren(...visible(own.text)); event.target.remove(); } }, "all of it") : null), text), inner);
    return item;
  }

  const items = () => [...document.querySelectorAll("[role=treeitem]")].filter((own) => !own.parentElement.closest("[aria-expanded=false]"));
  const now = () => document.activeElement.closest("[role=treeitem]");
  function focus(own) {
    if (!own) return;
    document.querySelectorAll("[role=treeitem][tabindex='0']").forEach((other) => { other.tabIndex = -1; });
    own.tabIndex = 0;
    own.focus({ preventScroll: true });
    own.firstElementChild.scrollIntoView({ block: "nearest" });
  }
  const move = (by) => { const all = items(); focus(all[Math.max(0, Math.min(all.length - 1, all.indexOf(now()) + by))]); };
  const fold = (open) => {
    const own = now(), folded = own && own.getAttribute("aria-expanded");
    if (folded === null || folded === undefined) return open ? null : own && focus(own.parentElement.closest("[role=treeitem]"));
    if ((folded === "true") === open) return open ? move(1) : focus(own.parentElement.closest("[role=treeitem]"));
    own.setAttribute("aria-expanded", String(open));
  };

  viewer.views.tree = {
    title: (state) => `Tree, step ${state.get("at_step")}`,
    async show(main, state) {
      const found = await viewer.ask("tree", viewer.question({ at_step: state.get("at_step") || 0, place: state.get("place") || 0 }));
      const rewards = [], collect = (own) => { if (own.reward !== null) rewards.push(own.reward); own.children.forEach(collect); };
      collect(found.tree);
      const range = rewards.length ? [Math.min(0, ...rewards), Math.max(0, ...rewards)] : [0, 1];
      main.append(element("div", { className: "path" }, link({ view: "rollouts" }, {}, viewer.run()), link({ view: "rollout" }, {}, `step ${state.get("at_step")}, rollout ${state.get("place")}`), element("span", { className: "none" }, found.recorded ? "as the sampler forked" : "parted where the answers first differ; rewards are means of what lies below")),
        element("section", { className: "prompt" }, element("h2", {}, "Prompt"), ...viewer.turns(found.prompt_turns)), element("ul", { className: "tree", role: "tree", ariaLabel: "Branches" }, branch(found.tree, 0, range)));
    },
    shown: (main) => focus(main.querySelector("[role=treeitem]")),
    keys: {
      "j ArrowDown": ["Next branch", () => move(1)],
      "k ArrowUp": ["The branch before", () => move(-1)],
      ArrowRight: ["Open, or go in", () => fold(true)],
      ArrowLeft: ["Close, or go out", () => fold(false)],
      Enter: ["Show the answer that ends here", () => { const own = now() && now().querySelector(":scope > .node a.end"); if (own) own.click(); }],
      Escape: ["Back to the rollout", () => viewer.go({ view: "rollout" })],
    },
  };
})();
