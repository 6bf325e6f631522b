"use strict";
// Tokens, coloured by a quantity: by its sign, by how far it is below zero, or from its lowest to its highest.
viewer.tokens = (() => {
  const { element, visible, number } = viewer;
  const STRONGEST = 0.55; // of a colour over the paper, so that what stands on it can be read

  function shades(quantity) {
    const good = quantity.values.filter((value) => value !== null), low = Math.min(...good), high = Math.max(...good), far = Math.max(Math.abs(low), Math.abs(high)) || 1;
    if (quantity.scale === "signed") return { low, high, of: (x) => [x < 0 ? "minus" : "plus", Math.sqrt(Math.abs(x) / far)], ends: [low < 0 ? -far : 0, high > 0 ? far : 0] };
    if (quantity.scale === "below") return { low, high, of: (x) => ["minus", 1 - Math.exp(x)], ends: [low, 0] };
    return { low, high, of: (x) => ["plus", high > low ? (x - low) / (high - low) : 0.5], ends: [low, high] };
  }

  const colour = ([name, strength]) => `rgb(var(--${name}) / ${(STRONGEST * Math.min(1, strength)).toFixed(3)})`;

  function legend(quantity) {
    const shade = shades(quantity), [low, high] = shade.ends, parts = Array.from({ length: 12 }, (_, i) => low + ((high - low) * i) / 11);
    const mean = quantity.values.filter((value) => value !== null);
    return element("div", { className: "legend" }, element("span", {}, number(low)), element("span", { className: "ramp", ariaHidden: "true" }, ...parts.map((x) => element("i", { style: { background: colour(shade.of(x)) } }))), element("span", {}, number(high)),
      element("small", {}, `mean ${number(mean.reduce((a, b) => a + b, 0) / (mean.length || 1))}`), quantity.meaning ? element("small", { className: "meaning" }, quantity.meaning) : null);
  }

  // The tokens as a block, and a line that says everything of the one that is pointed at.
  function block(tokens, name) {
    const quantity = tokens.quantities.find((own) => own.name === name), shade = quantity && shades(quantity);
    const about = element("p", { className: "about", role: "status" }, "Point at a token, or walk with the arrow keys.");
    const spans = tokens.texts.map((text, i) => {
      const value = quantity ? quantity.values[i] : null, told = tokens.acted && !tokens.acted[i];
      const own = element("span", { className: told ? "token told" : "token", ...(value !== null && value !== undefined && !told ? { style: { "background-color": colour(shade.of(value)) } } : {}) });
      own.dataset.i = i;
      own.append(...(text === "" ? ["∅"] : visible(text).flatMap((part) => (typeof part === "string" ? part.split(/(\n)/).flatMap((bit) => (bit === "\n" ? [element("span", { className: "break" }, "↵"), "\n"] : bit ? [bit] : [])) : [part]))));
      return own;
    });
    const box = element("div", { className: "tokens", tabIndex: 0, role: "group", ariaLabel: "Tokens", dir: "auto" }, ...spans);
    let now = -1;
    function point(i) {
      if (i < 0 || i >= spans.length) return;
      if (spans[now]) spans[now].classList.remove("now");
      now = i;
      spans[i].classList.add("now");
      about.replaceChildren(element("b", {}, `token ${i + 1} of ${spans.length} `), element("code", {}, ...visible(JSON.stringify(tokens.texts[i]))), ` number ${tokens.ids[i]}`, tokens.acted && !tokens.acted[i] ? ", told and not said" : "",
        ...tokens.quantities.filter((own) => own.values[i] !== null).flatMap((own) => [element("span", { className: "pair" }, `${own.label} `, element("b", {}, number(own.values[i], 4)))]));
    }
    box.onpointerover = (event) => { const own = event.target.closest(".token"); if (own) point(Number(own.dataset.i)); };
    box.onclick = box.onpointerover;
    box.onkeydown = (event) => {
      const to = { ArrowRight: now + 1, ArrowLeft: now - 1, Home: 0, End: spans.length - 1 }[event.key];
      if (to === undefined) return;
      event.preventDefault();
      event.stopPropagation();
      point(Math.max(0, Math.min(spans.length - 1, to)));
      spans[now].scrollIntoView({ block: "nearest" });
    };
    return { box, about, legend: quantity ? legend(quantity) : null };
  }
  return { block };
})();
