page.kind({
  question: "How good is this answer?",
  begin(task, work) {
    const [low, high] = task.scale, ratings = {}, marks = Array.from({ length: high - low + 1 }, (_, i) => low + i);
    let now = 0;
    work.append(page.element("article", { className: "card", ariaLabel: "The answer" }, ...page.turns(task.answers[0])));
    const inputs = {};
    const fields = task.attributes.map((name, place) => {
      inputs[name] = marks.map((value) => page.element("input", { type: "radio", name, value: String(value), onchange: () => rate(place, value, false), onfocus: () => go(place) }));
      return page.element("fieldset", { className: "scale" }, page.element("legend", {}, name),
        page.element("div", { className: "marks" }, ...inputs[name].map((input, i) => page.element("label", {}, input, page.element("span", {}, String(marks[i]))))));
    });
    work.append(page.element("div", { className: "scales" }, ...fields));
    const go = (place) => { now = Math.max(0, Math.min(fields.length - 1, place)); fields.forEach((field, i) => field.classList.toggle("now", i === now)); };
    const rate = (place, value, on) => {
      const name = task.attributes[place];
      ratings[name] = value;
      inputs[name][value - low].checked = true;
      if (on) { go(place + 1); fields[now].scrollIntoView({ block: "nearest" }); }
      page.refresh();
    };
    go(0);
    return {
      buttons: [
        ...marks.map((value) => ({ keys: [String(value)], label: `Rate it ${value}`, hidden: true, run: () => rate(now, value, true) })),
        { keys: ["ArrowUp"], label: "The one above", hidden: true, run: () => go(now - 1) },
        { keys: ["ArrowDown"], label: "The one below", hidden: true, run: () => go(now + 1) },
        { keys: ["Enter"], label: "Save", main: true, ready: () => task.attributes.every((name) => name in ratings), run: () => page.send({ ratings }) },
      ],
      before: (answer) => { task.attributes.forEach((name, place) => rate(place, answer.ratings[name], false)); },
    };
  },
});
