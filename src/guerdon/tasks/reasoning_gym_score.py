"""Reasoning-gym score: the generator's own judgement of an answer, in [0, 1].

    reward = score_answer(text of the answer, the row's entry)        one number per completion

The columns ``answer`` and ``metadata`` of the rows are what it judges by. With ``tag`` the answer is what stands in the last
<tag>...</tag> of the completion; a completion without one gets 0, and so does one on which the verifier raises because it cannot parse it.

Source: Reasoning Gym, arXiv 2505.24760, whose generators each bring a verifier; partial credit is the generator's.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from guerdon.witness import Witness


@dataclass(frozen=True)
class ReasoningGymScore:
    name: str
    config: Mapping[str, Any] = field(default_factory=dict)
    tag: str | None = None

    def __call__(self, prompts: list[Any], completions: list[Any], answer: list[Any], metadata: list[Any]) -> list[float]:
        from guerdon.tasks.reasoning_gym import create

        judge = create(self.name, self.config, 1, 0)
        scores = []
        for prompt, completion, gold, known in zip(prompts, completions, answer, metadata, strict=True):
            question = prompt if isinstance(prompt, str) else prompt[-1]["content"]
            text = self._answer(completion if isinstance(completion, str) else completion[-1]["content"])
            entry = {"question": question, "answer": gold, "metadata": known}
            scores.append(0.0 if text is None else self._score(judge, text, entry))
        return scores

    @staticmethod
    def _score(judge: Any, text: str, entry: dict[str, Any]) -> float:
        try:
            return float(judge.score_answer(text, entry))
        except Exception:  # a few verifiers raise on an answer that they cannot parse: it is a wrong answer
            return 0.0

    def _answer(self, text: str) -> str | None:
        if self.tag is None:
            return text.strip()
        found = _tagged(self.tag).findall(text)
        return found[-1].strip() if found else None


@lru_cache
def _tagged(tag: str) -> re.Pattern[str]:
    return re.compile(rf"<{re.escape(tag)}>(.*?)</{re.escape(tag)}>", re.DOTALL)


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
