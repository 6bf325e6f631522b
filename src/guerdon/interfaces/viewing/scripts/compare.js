"use strict";
// The same prompt in two runs, or two steps of one: the answers of each beside the other's.
(() => {
  const { element, link, visible, number } = viewer;
  let times = [];

  const key = (one) => `${one.run}~${one.test ? "test" : "sampled"}~${one.step}`;
  const label = (one) => `${one.run}, ${one.test ? "held out, " : ""}step ${one.step}: ${one.answers} ${one.answers === 1 ? "answer" : "answers"}, mean ${number(one.reward)}`;

  async function side(name, chosen, other) {
    const select = element("select", { ariaLabel: name === "left" ? "What is compared" : "With what", onchange: () => viewer.go({ [name]: select.value, [other.name]: key(other.chosen) }, true) }, ...times.map((one) => element("option", { value: key(one), selected: one === chosen }, label(one))));
    const found = await viewer.ask("answers", { run: chosen.run, at_step: chosen.step, split: chosen.test ? "test" : "sampled", prompt: viewer.state.get("prompt") });
    return element("section", { className: "side", ariaLabel: label(chosen) }, select, ...found.map((own) => element("div", { className: "card" }, element("header", {}, element("b", {}, number(own.reward)), ...viewer.flags(own).filter(Boolean), element("span", { className: "none" }, Object.entries(own.components).length > 1 ? Object.entries(own.components).map(([key, value]) => `${key} ${number(value)}`).join("  ") : ""),
      link(viewer.at(own, { run: chosen.run }), { className: "grow" }, `rollout ${own.place}`)), ...viewer.turns(own.turns))));
  }

  const shift = (name, by) => {
    const i = times.findIndex((one) => key(one) === current()[name]), next = times[i + by];
    if (next) viewer.go({ ...current(), [name]: key(next) }, true);
  };
  const current = () => ({ left: viewer.state.get("left") || key(times[0]), right: viewer.state.get("right") || key(times.at(-1)) });

  viewer.views.compare = {
    title: () => "Compare",
    async show(main, state) {
      if (!state.get("prompt")) throw Object.assign(new Error("Open a rollout and take Compare there (g c): the prompt that it answers is what is compared."), { status: 400 });
      const asked = await viewer.ask("prompt", { prompt: state.get("prompt") });
      times = asked.flatMap((one) => one.times.map((own) => ({ ...own, run: one.run })));
      const first = asked.find((one) => one.prompt_turns.length);
      if (!first) throw Object.assign(new Error("No run that is looked at was given this prompt."), { status: 404 });
      const left = times.find((one) => key(one) === state.get("left")) || times[0];
      const elsewhere = times.filter((one) => one !== left), right = times.find((one) => key(one) === state.get("right")) || elsewhere.findLast((one) => one.run !== left.run && one.test === left.test) || elsewhere.findLast((one) => one.test === left.test) || elsewhere.at(-1) || left;
      const sides = await Promise.all([side("left", left, { name: "right", chosen: right }), side("right", right, { name: "left", chosen: left })]);
      main.append(element("section", { className: "prompt" }, element("h2", {}, "Prompt"), ...viewer.turns(first.prompt_turns)), element("div", { className: "two" }, ...sides));
    },
    keys: {
      "[": ["Left: the time before", () => shift("left", -1)],
      "]": ["Left: the next time", () => shift("left", 1)],
      "{": ["Right: the time before", () => shift("right", -1)],
      "}": ["Right: the next time", () => shift("right", 1)],
      Escape: ["Back", () => history.back()],
    },
  };
})();
