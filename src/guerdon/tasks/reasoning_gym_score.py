"""Reasoning-gym score: the generator's own judgement of an answer, in [0, 1].

    reward = score_answer(text of the answer, the row's entry)        one number per completion

The columns ``answer`` and ``metadata`` of the rows are what it judges by. The text is what the completion says after its thinking; with ``tag``,
what stands there in the last <tag>...</tag>. A completion without one, or whose last one is not closed, gets 0, and so does one on which the
verifier raises or hangs.

Several generators give the text to ``eval`` or to sympy's parser, which evaluates it. So a completion is judged apart
(``guerdon.feedback.apart``): in a process that can be stopped, that has no privileges, and in which a text becomes code only if it is
arithmetic or a literal (``guerdon.feedback.harmless``). One that is anything else and was to become code gets 0, without the few hundredths that
some generators give for any answer at all.

Source: Reasoning Gym, arXiv 2505.24760, whose generators each bring a verifier; partial credit is the generator's.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from guerdon.feedback.apart import judge_apart
from guerdon.feedback.text import answer_text
from guerdon.witness import Witness

_LONGEST = 5_000  # characters by which an answer may exceed ten times the gold one: parsers take quadratic time
_generators: dict[tuple[str, str], Any] = {}


@dataclass(frozen=True)
class ReasoningGymScore:
    may_hang: ClassVar[bool] = True
    wrong: ClassVar[float] = 0.0

    name: str
    config: Mapping[str, Any] = field(default_factory=dict)
    tag: str | None = None

    def __call__(
        self, prompts: list[Any], completions: list[Any], answer: list[Any], metadata: list[Any], **columns: list[Any]
    ) -> list[float]:
        return judge_apart(self, prompts=prompts, completions=completions, answer=answer, metadata=metadata)

    def judge(self, prompts: list[Any], completions: list[Any], answer: list[Any], metadata: list[Any]) -> list[float]:
        """The scores, in this process and without a limit, so that a completion may be executed here: call the reward instead."""
        judge = self._judge
        scores = []
        for prompt, completion, gold, known in zip(prompts, completions, answer, metadata, strict=True):
            question = prompt if isinstance(prompt, str) else prompt[-1]["content"]
            text = self._answer(answer_text(completion, prompt))
            entry = {"question": question, "answer": gold, "metadata": known}
            readable = text is not None and len(text) <= _LONGEST + 10 * len(str(gold))
            scores.append(self._score(judge, text, entry) if readable else self.wrong)
        return scores

    def prepare(self) -> None:
        """Judge a problem's own answer, so that whatever it imports, which takes seconds, is there before a completion is timed."""
        problem = self._judge[0]
        self._score(self._judge, str(problem["answer"]), problem)

    @property
    def _judge(self) -> Any:
        """The generator, made once in a process."""
        made = self.name, repr(sorted(self.config.items()))
        if made not in _generators:
            from guerdon.tasks._generators import create

            _generators[made] = create(self.name, self.config, 1, 0)
        return _generators[made]

    def _score(self, judge: Any, text: str, entry: dict[str, Any]) -> float:
        try:
            score = float(judge.score_answer(text, entry))
        except Exception:  # a few verifiers raise on an answer that they cannot parse: it is a wrong answer
            return self.wrong
        return score if math.isfinite(score) else self.wrong

    def _answer(self, text: str) -> str | None:
        if self.tag is None:
            return text.strip()
        _, opened, inside = text.rpartition(f"<{self.tag}>")
        said, closed, _ = inside.partition(f"</{self.tag}>")
        return said.strip() if opened and closed else None


_given = {
    "prompts": ["How many legs have 2 dogs and 1 hen?"] * 3,
    "completions": ["10", "So <answer>10</answer>", "11"],
    "answer": ["10"] * 3,
    "metadata": [{}] * 3,
}
witness = (
    Witness(ReasoningGymScore("leg_counting"), given=_given, returns=[1.0, 2 / 22, 0.0]),
    Witness(
        ReasoningGymScore("leg_counting", tag="answer"), parent=ReasoningGymScore("leg_counting"), given=_given, returns=[0.0, 1.0, 0.0]
    ),
)
