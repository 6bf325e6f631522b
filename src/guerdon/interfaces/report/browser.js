// The browser of sampled completions. Text enters the page as text only, never as markup.
"use strict";
const make = (tag, name, text) => {
  const node = document.createElement(tag);
  if (name) node.className = name;
  if (text !== undefined) node.textContent = text;
  return node;
};
const short = (x) => (x === null ? "–" : String(Math.round(x * 1000) / 1000));
const said = (messages, node) => {
  for (const [role, text] of messages) {
    if (role) node.append(make("span", "role", role));
    node.append(document.createTextNode(text + (messages.length > 1 ? "\n" : "")));
  }
  return node;
};
const written = (sample, vocabulary) => {
  const node = make("div", "text");
  if (!sample.tokens.length) return said(sample.text, node);
  for (const [index, logp] of sample.tokens) {
    const token = make("span", "t", vocabulary[index]);
    if (logp !== null) {
      const p = Math.exp(Math.min(logp, 0));
      token.style.setProperty("--h", (1 - p).toFixed(2));
      token.title = `probability ${p.toFixed(3)} (log-probability ${logp.toFixed(2)})`;
    }
    node.append(token);
  }
  return node;
};
const rewards = (sample) => {
  const node = make("div", "rewards");
  if (sample.error) node.append(make("span", "failed", sample.error));
  node.append(make("span", "total", `reward ${short(sample.reward)}`));
  const names = Object.keys(sample.components);
  if (names.length > 1) for (const name of names) node.append(make("span", "", `${name} ${short(sample.components[name])}`));
  if (sample.cut) node.append(make("span", "failed", "cut off"));
  return node;
};
for (const box of document.querySelectorAll(".browser")) {
  const data = JSON.parse(box.querySelector("script").textContent);
  const [slider, order, search, list, place] = ["input[type=range]", "select", "input[type=search]", ".list", "output"].map((s) => box.querySelector(s));
  slider.max = data.steps.length - 1;
  const show = () => {
    const { step, samples } = data.steps[slider.value];
    place.textContent = `step ${step}`;
    const wanted = search.value.toLowerCase();
    const groups = new Map();
    for (const sample of samples) {
      if (wanted && !JSON.stringify([sample.prompt, sample.text]).toLowerCase().includes(wanted)) continue;
      const key = JSON.stringify(sample.prompt);
      if (!groups.has(key)) groups.set(key, []);
      groups.get(key).push(sample);
    }
    list.replaceChildren();
    for (const members of groups.values()) {
      const sign = { low: 1, high: -1 }[order.value];
      if (sign) members.sort((a, b) => sign * ((a.reward ?? -Infinity) - (b.reward ?? -Infinity)));
      const group = make("div", "group");
      group.append(said(members[0].prompt, make("div", "prompt text")));
      const answers = make("div", "answers");
      for (const sample of members) {
        const one = make("div");
        one.append(written(sample, data.vocabulary), rewards(sample));
        answers.append(one);
      }
      group.append(answers);
      list.append(group);
    }
    if (!groups.size) list.append(make("p", "sentence", "Nothing at this step contains that text."));
  };
  for (const control of [slider, order, search]) control.addEventListener("input", show);
  show();
}
document.querySelector("#theme").addEventListener("click", () => {
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
});
