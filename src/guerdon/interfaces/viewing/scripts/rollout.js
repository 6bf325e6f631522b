"use strict";
// One rollout: what was asked, what was said turn by turn and token by token, what it was worth and why, and the others that answer the same prompt.
(() => {
  const { element, link, visible, marked, number, count, tokens } = viewer;
  let found = null, turn = -1;

  function turns(list, rewards = [], sought = "") {
    let acted = -1;
    return list.map((own) => {
      const speaks = own.role === "assistant" || own.role === "", reward = speaks && rewards.length ? rewards[++acted] : undefined;
      const kind = own.role === "tool" ? "tool" : speaks ? "speaks" : "told";
      const name = own.role === "tool" ? `result${own.tool ? ` of ${own.tool}` : ""}` : own.role;
      return element("article", { className: `turn ${kind} ${own.role === "system" ? "system" : ""}`, tabIndex: -1 },
        name || reward !== undefined ? element("header", {}, element("span", { className: "role" }, ...visible(name)), reward !== undefined && reward !== null ? element("span", { className: `pill ${reward > 0 ? "good" : reward < 0 ? "bad" : ""}`, title: "reward of this turn" }, `reward ${number(reward)}`) : null) : null,
        own.thoughts ? element("details", { className: "thoughts", open: true }, element("summary", {}, "thinking"), element("p", { className: "text", dir: "auto" }, ...marked(own.thoughts, sought))) : null,
        own.text || !(own.calls || own.thoughts) ? element("p", { className: "text", dir: "auto" }, ...(own.text ? marked(own.text, sought) : [element("i", { className: "none" }, "(nothing)")])) : null,
        ...(own.calls || []).map((call) => element("div", { className: "call" }, element("span", { className: "role" }, "calls ", element("b", {}, ...visible(call.name || "?"))), element("pre", { dir: "ltr" }, ...marked(call.arguments, sought)), call.error ? element("p", { className: "wrong" }, ...visible(call.error)) : null)));
    });
  }

  function verdict() {
    const names = [...new Set([...Object.keys(found.components), ...Object.keys(found.judge)])].filter(Boolean), judge = found.judge[""] || [];
    const texts = (own) => own.map((text) => element("div", { className: "judged" }, element("span", { className: "role" }, "the judge"), element("p", { className: "text", dir: "auto" }, ...visible(text))));
    return element("section", { className: "card verdict" }, element("div", { className: "figure" }, number(found.reward), element("small", {}, " reward")), element("p", { className: "flags" }, ...viewer.flags(found).filter(Boolean)),
      found.failure ? element("p", { className: "wrong" }, ...visible(found.failure)) : null,
      ...names.map((name) => element("div", { className: "component" }, element("span", {}, ...visible(name)), element("b", {}, number(found.components[name] ?? null)), ...texts(found.judge[name] || []))), ...texts(judge));
  }

  function siblings() {
    if (found.siblings.length < 2) return null;
    const rewards = found.siblings.map((own) => own.reward).filter((own) => own !== null), range = rewards.length ? [Math.min(0, ...rewards), Math.max(...rewards, 0)] : [];
    const mean = rewards.reduce((a, b) => a + b, 0) / (rewards.length || 1);
    return element("section", { className: "card siblings" }, element("h2", {}, `${found.siblings.length} answers to this prompt`), element("p", { className: "none" }, `mean ${number(mean)}, in step ${found.step} `, ...viewer.keyed("←", "→")),
      element("ol", {}, ...found.siblings.map((own) => element("li", {}, link(viewer.at(own), { className: own.place === found.place ? "now" : "", "aria-current": own.place === found.place ? "true" : null }, viewer.gauge(own, range), element("span", { className: "answered", dir: "auto" }, ...visible(own.said || "(nothing)")))))));
  }

  function said() {
    const own = found.tokens, names = own.quantities ? own.quantities.map((one) => one.name) : [], sought = viewer.state.get("text") || "";
    const as = own.ids && viewer.state.get("as") === "tokens" ? "tokens" : "text";
    const head = element("header", { className: "switch" }, element("h2", {}, "Answer"), element("div", { className: "tools", role: "group", ariaLabel: "How it is shown" },
      ...["text", "tokens"].map((name) => element("button", { type: "button", disabled: name === "tokens" && !own.ids, "aria-pressed": String(as === name), onclick: () => viewer.go({ as: name === "text" ? null : name }, true) }, name))));
    if (as === "text") return element("section", { className: "answer" }, head, ...turns(found.turns, found.turn_rewards, sought));
    const asked = viewer.state.get("colour"), colour = asked === "none" ? "" : names.includes(asked) ? asked : names[0] || "", shown = tokens.block(own, colour);
    const pick = element("select", { ariaLabel: "Coloured by", id: "colour", onchange: () => viewer.go({ colour: pick.value }, true) }, ...own.quantities.map((one) => element("option", { value: one.name, selected: one.name === colour }, one.label)), element("option", { value: "none", selected: !colour }, "nothing"));
    return element("section", { className: "answer" }, head, element("div", { className: "card" }, element("div", { className: "colouring" }, element("label", {}, "Coloured by ", pick, ...viewer.keyed("c")), shown.legend), shown.about, shown.box));
  }

  const cycle = (by) => {
    const names = [...(found.tokens.quantities || []).map((one) => one.name), "none"], now = names.indexOf(viewer.state.get("colour") || names[0]);
    if (viewer.state.get("as") !== "tokens") return viewer.go({ as: "tokens" }, true);
    return viewer.go({ colour: names[(now + by + names.length) % names.length] }, true);
  };
  const open = (row) => row && viewer.go(viewer.at(row), true);
  const beside = (by) => { const i = found.siblings.findIndex((own) => own.place === found.place); open(found.siblings[i + by]); };
  const walk = (by) => {
    const all = [...document.querySelectorAll(".answer .turn")];
    if (!all.length) return;
    turn = Math.max(0, Math.min(all.length - 1, turn + by));
    all[turn].focus({ preventScroll: true });
    all[turn].scrollIntoView({ block: "start", behavior: "smooth" });
  };

  viewer.views.rollout = {
    title: (state) => `Step ${state.get("at_step")}, ${state.get("place")}`,
    async show(main, state) {
      const asked = viewer.question({ at_step: state.get("at_step") || 0, place: state.get("place") || 0 });
      found = await viewer.ask("rollout", asked);
      turn = -1;
      const step = (row, label, key) => element("button", { type: "button", disabled: !row, onclick: () => open(row), "aria-keyshortcuts": key }, label, ...viewer.keyed(key));
      const more = Object.entries(found.more);
      main.append(element("div", { className: "path" }, link({ view: "rollouts" }, {}, viewer.run()), element("span", {}, found.test ? "held out, " : "", `step ${found.step}, rollout ${found.place}`),
        element("span", { className: "none" }, found.at === null ? "not among those that are asked for" : `${count(found.at + 1)} of ${count(found.total)}`),
        element("div", { className: "tools" }, step(found.before, "Before", "k"), step(found.after, "Next", "j"), link({ view: "tree" }, { className: "button" }, "Tree"), link({ view: "compare", prompt: found.prompt, left: `${viewer.run()}~${found.test ? "test" : "sampled"}~${found.step}` }, { className: "button" }, "Compare"),
          link({ view: "rollouts", prompt: found.prompt, step: null, text: null, row: null }, { className: "button" }, "This prompt"))),
      element("div", { className: "columns" }, element("div", { className: "texts" },
        found.prompt_turns.length ? element("section", { className: "prompt" }, element("h2", {}, "Prompt"), ...turns(found.prompt_turns, [], state.get("text") || "").map((own) => { own.classList.replace("speaks", "told"); return own; })) : null, said()),
      element("aside", {}, verdict(), siblings(),
        element("section", { className: "card facts" }, element("dl", {}, element("dt", {}, "tokens"), element("dd", {}, count(found.length)), element("dt", {}, "turns"), element("dd", {}, String(found.turns_taken)), ...(found.share === null ? [] : [element("dt", {}, "share"), element("dd", {}, number(found.share))]),
          ...more.flatMap(([name, text]) => [element("dt", {}, ...visible(name)), element("dd", { dir: "auto" }, ...visible(text))]))))));
    },
    keys: {
      j: ["Next of those that are asked for", () => open(found.after)],
      k: ["The one before", () => open(found.before)],
      ArrowRight: ["Next answer to the prompt", () => beside(1)],
      ArrowLeft: ["The answer before", () => beside(-1)],
      t: ["Text or tokens", () => found.tokens.ids && viewer.go({ as: viewer.state.get("as") === "tokens" ? null : "tokens" }, true)],
      c: ["Colour tokens by the next quantity", () => cycle(1)],
      C: ["By the one before", () => cycle(-1)],
      "]": ["Next turn", () => walk(1)],
      "[": ["The turn before", () => walk(-1)],
      Escape: ["To the list", () => viewer.go({ view: "rollouts" })],
    },
  };
  Object.assign(viewer, { turns });
})();
