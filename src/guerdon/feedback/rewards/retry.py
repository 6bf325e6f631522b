"""Retry: searching again is paid for, where an answer is given in the end.

    reward = min(1, base + increment * min(searches, most))        0 without a search, or without an answer in what is said last
    times 1 - penalty, where one turn holds several searches

A search is what ``search`` finds in a turn of the policy, an answer what ``answer`` finds in its last one. In a plain text all is one turn: then no number of searches is
several.

Source: ReZero, arXiv 2504.11001, and its authors' code (menloresearch/ReZero, ``rewards.py``, ``reward_retry``), whose numbers are the defaults: 0.2, and 0.15 for each of five.
Differs from Format: how often, and not whether, with a cap so that there is an end to it.
"""

import re
from dataclasses import dataclass
from typing import Any

from guerdon.feedback.rewards.format import Format
from guerdon.witness import Witness


@dataclass(frozen=True)
class Retry:
    base: float = 0.2
    increment: float = 0.15
    most: int = 5
    penalty: float = 0.5
    search: str = r"<search>[\s\S]*?</search>"
    answer: str = r"<answer>[\s\S]*?</answer>"

    def __call__(self, prompts: list[Any], completions: list[Any], **columns: list[Any]) -> list[float | None]:
        return [self._paid(completion) for completion in completions]

    def _paid(self, completion: Any) -> float:
        if isinstance(completion, str):
            turns, one = [completion], True
        else:
            turns, one = [str(m.get("content") or "") for m in completion if m.get("role") == "assistant"], False
        if not turns or not re.search(self.answer, turns[-1]):
            return 0.0
        searches = [len(re.findall(self.search, turn)) for turn in turns]
        return self.worth(sum(searches), not one and max(searches) > 1)

    def worth(self, searches: int, at_once: bool = False) -> float:
        """Of so many searches in an episode that was answered."""
        if searches == 0:
            return 0.0
        paid = min(1.0, self.base + self.increment * min(searches, self.most))
        return paid * (1 - self.penalty) if at_once else paid


def _said(*turns: str) -> list[dict[str, str]]:
    return [{"role": "assistant", "content": turn} for turn in turns]


_s, _a = "<search>x</search>", "<answer>y</answer>"
_asked = {
    "prompts": ["q"] * 6,
    "completions": [_said(_s, _a), _said(_s, _s, _s, _a), _said(_s, _s), _said(_a), _said(_s + _s, _a), _s + _s + _a],
}
witness = (
    Witness(Retry(), parent=Format(".*"), given=_asked, returns=[0.35, 0.65, 0.0, 0.0, 0.25, 0.5]),
    Witness(Retry(base=0.0), parent=Retry(), given=_asked, returns=[0.15, 0.45, 0.0, 0.0, 0.15, 0.3]),
    Witness(Retry(increment=0.5), parent=Retry(), given=_asked, returns=[0.7, 1.0, 0.0, 0.0, 0.5, 1.0]),
    Witness(Retry(most=2), parent=Retry(), given=_asked, returns=[0.35, 0.5, 0.0, 0.0, 0.25, 0.5]),
    Witness(Retry(penalty=1.0), parent=Retry(), given=_asked, returns=[0.35, 0.65, 0.0, 0.0, 0.0, 0.5]),
    Witness(Retry(search="x"), parent=Retry(search="<search>"), given=_asked | {"completions": [_said("x", _a)] * 6}, returns=[0.35] * 6),
    Witness(Retry(answer="z"), parent=Retry(), given=_asked, returns=[0.0] * 6),
)
