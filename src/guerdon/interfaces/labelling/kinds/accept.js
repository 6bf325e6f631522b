page.kind({
  question: "Is this answer good?",
  begin(task, work) {
    let said = null;
    work.append(page.element("article", { className: "card", ariaLabel: "The answer" }, ...page.turns(task.answers[0])));
    const choice = (accept, keys, label) => ({ keys, label, pressed: () => said === accept, run: () => { said = accept; page.send({ accept }); } });
    return {
      buttons: [choice(true, ["1", "ArrowLeft", "a"], "Accept"), choice(false, ["2", "ArrowRight", "r"], "Reject")],
      before: (answer) => { said = answer.accept; },
    };
  },
});
