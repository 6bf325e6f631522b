page.kind({
  question: "Is each step right?",
  begin(task, work) {
    const labels = task.steps.map(() => null), SIGNS = [[1, "✓", "Right"], [0, "·", "Neutral"], [-1, "✗", "Wrong"]];
    let now = 0;
    const end = () => (task.until_error && labels.includes(-1) ? labels.indexOf(-1) + 1 : labels.length);
    const rows = task.steps.map((step, place) => page.element("li", { className: "step", onclick: () => go(place) },
      page.element("span", { className: "number" }, `${place + 1}`), page.element("p", { className: "text", dir: "auto" }, step),
      page.element("div", { className: "verdict", role: "group", ariaLabel: `Step ${place + 1}` }, ...SIGNS.map(([label, sign, name]) => {
        const button = page.element("button", { type: "button", title: name, ariaLabel: name, onclick: (event) => { event.stopPropagation(); judge(place, label); } }, sign);
        button.dataset.label = label;
        return button;
      }))));
    work.append(page.element("ol", { className: "steps" }, ...rows));
    const go = (place) => {
      now = Math.max(0, Math.min(end() - 1, place));
      rows.forEach((row, i) => { row.classList.toggle("now", i === now); row.toggleAttribute("aria-current", i === now); });
      rows[now].scrollIntoView({ block: "nearest" });
    };
    const judge = (place, label) => {
      labels[place] = label;
      if (task.until_error && label === -1) labels.fill(null, place + 1);
      draw();
      go(place + 1);
    };
    const draw = () => {
      rows.forEach((row, i) => {
        row.classList.toggle("after", i >= end());
        row.dataset.label = labels[i] === null ? "" : labels[i];
        for (const button of row.querySelectorAll("button")) button.setAttribute("aria-pressed", String(labels[i] !== null && Number(button.dataset.label) === labels[i]));
      });
      page.refresh();
    };
    draw();
    go(0);
    return {
      buttons: [
        ...SIGNS.map(([label, , name], i) => ({ keys: [String(i + 1)], label: name, run: () => judge(now, label) })),
        { keys: ["ArrowUp"], label: "The step above", hidden: true, run: () => go(now - 1) },
        { keys: ["ArrowDown"], label: "The step below", hidden: true, run: () => go(now + 1) },
        { keys: ["Enter"], label: "Save", main: true, ready: () => labels.slice(0, end()).every((label) => label !== null), run: () => page.send({ labels: labels.slice(0, end()) }) },
      ],
      before: (answer) => { answer.labels.forEach((label, i) => { labels[i] = label; }); draw(); go(0); },
    };
  },
});
