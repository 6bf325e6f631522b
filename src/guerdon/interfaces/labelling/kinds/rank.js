page.kind({
  question: "Put the answers in order, the best first",
  begin(task, work) {
    let groups = [], tied = false; // groups of equals, the best first
    const badges = [], nexts = [];
    const rank = (i) => groups.findIndex((group) => group.includes(i)) + 1;
    const placed = () => groups.flat().length;
    const take = (i) => {
      if (rank(i)) return;
      if (tied && groups.length) groups.at(-1).push(i);
      else groups.push([i]);
      tied = false;
      draw();
    };
    const drop = () => {
      if (groups.length && groups.at(-1).length > 1) groups.at(-1).pop();
      else groups.pop();
      tied = false;
      draw();
    };
    const draw = () => {
      badges.forEach((badge, i) => {
        badge.textContent = rank(i) ? `${rank(i)}.` : "–";
        badge.classList.toggle("set", rank(i) > 0);
        nexts[i].disabled = rank(i) > 0;
        badge.setAttribute("aria-label", rank(i) ? `Rank ${rank(i)}` : "Not ranked yet");
      });
      page.refresh();
    };
    work.append(page.element("div", { className: "sides" }, ...task.answers.map((answer, i) => {
      badges[i] = page.element("span", { className: "badge grow" });
      const next = nexts[i] = page.element("button", { type: "button", onclick: () => take(i) }, "Next best ", ...page.keyed([String(i + 1)]));
      return page.element("article", { className: "card", ariaLabel: `Answer ${i + 1}` }, page.element("header", {}, next, badges[i]), ...page.turns(answer));
    })));
    draw();
    return {
      buttons: [
        ...task.answers.map((_, i) => ({ keys: [String(i + 1)], label: `Answer ${i + 1} is next best`, hidden: true, run: () => take(i) })),
        { keys: ["="], label: "As good as the last", ready: () => placed() > 0 && placed() < task.answers.length, pressed: () => tied, run: () => { tied = !tied; } },
        { keys: ["Backspace"], label: "Take the last back", ready: () => placed() > 0, run: drop },
        { keys: ["Enter"], label: "Save", main: true, ready: () => placed() === task.answers.length, run: () => page.send({ ranks: task.answers.map((_, i) => rank(i)) }) },
      ],
      before: (answer) => {
        groups = [...new Set(answer.ranks)].sort((a, b) => a - b).map((value) => answer.ranks.flatMap((r, i) => (r === value ? [i] : [])));
        draw();
      },
    };
  },
});
