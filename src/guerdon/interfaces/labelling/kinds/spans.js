page.kind({
  question: "Mark what is good and what is bad",
  begin(task, work) {
    const marks = task.pieces.map(() => ""), word = (i) => task.pieces[i].trim() !== "";
    const words = task.pieces.flatMap((_, i) => (word(i) ? [i] : []));
    let from = words[0], to = words[0], picking = false; // the words that are picked, from one end to the other
    const pieces = task.pieces.map((piece, i) => page.element("span", word(i) ? { className: "w" } : {}, piece));
    const text = page.element("p", { className: "text words", dir: "auto", tabIndex: 0, role: "group", ariaLabel: "The answer, word by word" }, ...pieces);
    const where = page.element("p", { className: "quiet", role: "status" });
    work.append(page.element("article", { className: "card" }, text, where));
    const ends = () => [Math.min(from, to), Math.max(from, to)];
    const draw = () => {
      const [first, last] = ends();
      pieces.forEach((piece, i) => {
        piece.classList.toggle("in", i >= first && i <= last);
        for (const label of ["good", "bad"]) piece.classList.toggle(label, marks[i] === label);
      });
      where.textContent = `${task.pieces.slice(first, last + 1).join("")}${marks[to] ? `, ${marks[to]}` : ""}`;
      pieces[to].scrollIntoView({ block: "nearest" });
    };
    const move = (by, extend) => {
      const next = words[Math.max(0, Math.min(words.length - 1, words.indexOf(to) + by))];
      to = next;
      if (!extend) from = next;
      picking = false;
      draw();
    };
    const mark = (label) => {
      const [first, last] = ends();
      for (let i = first; i <= last; i++) marks[i] = label;
      for (let i = 0; i < marks.length; i++) if (!word(i) && (marks[i - 1] || "") !== (marks[i + 1] || "")) marks[i] = ""; // no span begins or ends with a space
      picking = false;
      draw();
    };
    text.onclick = (event) => {
      const selection = getSelection(), inside = (node) => pieces.indexOf(node && node.parentElement);
      if (!selection.isCollapsed && inside(selection.anchorNode) >= 0 && inside(selection.focusNode) >= 0) {
        const [a, b] = [inside(selection.anchorNode), inside(selection.focusNode)].sort((x, y) => x - y);
        const held = words.filter((i) => i >= a && i <= b);
        if (held.length) [from, to, picking] = [held[0], held.at(-1), false];
        selection.removeAllRanges();
        return draw();
      }
      const i = pieces.indexOf(event.target);
      if (i < 0 || !word(i)) return;
      if (event.shiftKey || picking) [to, picking] = [i, false];
      else [from, to, picking] = [i, i, true];
      draw();
    };
    const spans = () => {
      const found = [];
      marks.forEach((label, i) => {
        if (label && label === marks[i - 1]) found.at(-1).last = i;
        else if (label) found.push({ first: i, last: i, label });
      });
      return found;
    };
    draw();
    return {
      buttons: [
        { keys: ["1", "g"], label: "Good", run: () => mark("good") },
        { keys: ["2", "b"], label: "Bad", run: () => mark("bad") },
        { keys: ["0", "x"], label: "Neither", run: () => mark("") },
        { keys: ["ArrowLeft"], label: "The word before", hidden: true, run: () => move(-1, false) },
        { keys: ["ArrowRight"], label: "The next word", hidden: true, run: () => move(1, false) },
        { keys: ["Shift+ArrowLeft"], label: "More words, to the left", hidden: true, run: () => move(-1, true) },
        { keys: ["Shift+ArrowRight"], label: "More words, to the right", hidden: true, run: () => move(1, true) },
        { keys: ["Enter"], label: "Save", main: true, run: () => page.send({ spans: spans() }) },
      ],
      before: (answer) => { for (const span of answer.spans) marks.fill(span.label, span.first, span.last + 1); draw(); },
    };
  },
});
