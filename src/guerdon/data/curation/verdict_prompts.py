"""Verdict prompts: answers whose scores are known become questions about them, with the verdict as the answer.

    all scores >= threshold, or none:  one question about one answer            prompt "is it right?", answer yes or no
    both kinds:                        with probability ``alone`` the same about one of either kind, else which of a right and a wrong one is right, answer first or second

One row {prompt, answer, ...} for each row. Which answer is asked about, and which of the two stands first, is drawn from ``seed``. A policy that is trained on them beside the
task learns to judge what it says. Completions that were not scored (None, NaN) take no part; a row without any becomes none.

Source: SPARK, arXiv 2509.22624, and its authors' code (InternLM/Spark, ``new_data_gen.py``): the cases, ``alone`` 0.3, one question for each prompt. There the wording is drawn
from a list, and at most 32 are kept of a batch; the wording here is ours.
Differs from BestWorstPairs: what is learned is to tell them apart, not to say the one.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from guerdon.data.curation._scored import candidates, rest
from guerdon.data.curation.best_worst_pairs import BestWorstPairs
from guerdon.feedback.text import whole_text
from guerdon.randomness import derive
from guerdon.thresholds import reaches
from guerdon.witness import Witness


@dataclass(frozen=True)
class VerdictPrompts:
    threshold: float = 0.5
    alone: float = 0.3
    asks: str = "Question: {prompt}\nAnswer: {completion}\nIs this answer right? Answer Yes or No.\n"
    compares: str = "Question: {prompt}\nA: {first}\nB: {second}\nWhich answer is right? Answer A or B.\n"
    says: tuple[str, str] = ("Yes", "No")
    prefers: tuple[str, str] = ("A", "B")
    seed: int = 0

    def __call__(self, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        return [found for index, row in enumerate(rows) if (found := self._row(row, random.Random(derive(self.seed, "verdicts", index))))]

    def _row(self, row: Mapping[str, Any], draw: random.Random) -> dict[str, Any] | None:
        kinds: dict[bool, list[Any]] = {True: [], False: []}
        for score, completion in candidates(row):
            kinds[reaches(score, self.threshold)].append(completion)
        right, wrong = kinds[True], kinds[False]
        if not (right or wrong):
            return None
        if right and wrong and draw.random() >= self.alone:
            sides, first = {True: draw.choice(right), False: draw.choice(wrong)}, draw.random() < 0.5
            shown = {"first": sides[first], "second": sides[not first]}
            return self._asked(row, self.compares, shown, self.prefers[0 if first else 1])
        good = draw.random() < 0.5 if right and wrong else bool(right)
        return self._asked(row, self.asks, {"completion": draw.choice(kinds[good])}, self.says[0 if good else 1])

    def _asked(self, row: Mapping[str, Any], wording: str, shown: Mapping[str, Any], answer: str) -> dict[str, Any]:
        return {**rest(row), "prompt": asked(row["prompt"], wording, shown), "answer": answer}


def asked(prompt: Any, wording: str, shown: Mapping[str, Any]) -> Any:
    """A wording with the prompt and the completions that it names in their places, in the prompt's form."""
    text = wording.replace("{prompt}", prompt if isinstance(prompt, str) else str(prompt[-1].get("content") or ""))
    for name, completion in shown.items():
        text = text.replace(f"{{{name}}}", whole_text(completion))
    return text if isinstance(prompt, str) else [{"role": "user", "content": text}]


_wording = {"asks": "{prompt}{completion}?", "compares": "{prompt}{first}|{second}?"}
_rows = [
    {"prompt": "p", "completions": ["a", "b", "c"], "scores": [1.0, None, 0.0], "answer": "a"},
    {"prompt": "q", "completions": ["d"], "scores": [0.0]},
    {"prompt": "r", "completions": ["e", "e"], "scores": [1.0, 1.0]},
    {"prompt": "s", "completions": ["f"], "scores": [None]},
]
_q, _r = {"prompt": "qd?", "answer": "No"}, {"prompt": "re?", "answer": "Yes"}
witness = (
    Witness(
        VerdictPrompts(alone=0.0, **_wording),
        parent=BestWorstPairs(),
        given={"rows": _rows},
        returns=[{"prompt": "pa|c?", "answer": "A"}, _q, _r],
    ),
    Witness(
        VerdictPrompts(alone=1.0, **_wording),
        parent=VerdictPrompts(alone=0.0, **_wording),
        given={"rows": _rows},
        returns=[{"prompt": "pc?", "answer": "No"}, _q, _r],
    ),
    Witness(
        VerdictPrompts(threshold=2.0, **_wording, says=("y", "n")),
        parent=VerdictPrompts(threshold=2.0, **_wording),
        given={"rows": _rows[2:3]},
        returns=[{"prompt": "re?", "answer": "n"}],
    ),
    Witness(  # the other one stands first
        VerdictPrompts(alone=0.0, seed=2, **_wording),
        parent=VerdictPrompts(alone=0.0, **_wording),
        given={"rows": _rows[:1]},
        returns=[{"prompt": "pc|a?", "answer": "B"}],
    ),
)
