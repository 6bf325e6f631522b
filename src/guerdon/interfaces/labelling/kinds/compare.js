page.kind({
  question: "Which answer is better?",
  begin(task, work) {
    let said = null;
    const cards = task.answers.map((answer, i) => page.element("article", { className: "card", ariaLabel: `Answer ${i + 1}` },
      page.element("header", {}, page.element("span", { className: "badge" }, String(i + 1))), ...page.turns(answer)));
    work.append(page.element("div", { className: "sides" }, ...cards));
    const choice = (better, keys, label) => ({ keys, label, pressed: () => said === better, run: () => { said = better; page.send({ better }); } });
    return {
      buttons: [choice(0, ["1", "ArrowLeft"], "First"), choice(1, ["2", "ArrowRight"], "Second"), choice("tie", ["3", "t"], "Tie"), choice("both_bad", ["4", "b"], "Both bad")],
      before: (answer) => { said = answer.better; if (cards[said]) cards[said].classList.add("chosen"); },
    };
  },
});
