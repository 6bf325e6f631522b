"""Negation: "not" after the first verb that can take one, or out of the first that has one.

    "It is so." -> "It is not so."        "It is not so." -> "It is so."        English

Source: ours; the verbs are the auxiliaries of English, which take "not" right behind them.
Differs from ChangedNumber: the opposite is said.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from guerdon.evaluation.edits.changed_number import ChangedNumber
from guerdon.witness import Witness

_VERB = re.compile(r"\b(is|are|was|were|am|can|could|will|would|should|must|may|might|does|do|did|has|have|had)\b( not\b)?", re.I)


@dataclass(frozen=True)
class Negation:
    matters: ClassVar[bool] = True

    def __call__(self, answers: Sequence[str]) -> list[str | None]:
        return [_negated(text) for text in answers]


def _negated(text: str) -> str | None:
    found = _VERB.search(text)
    if found is None:
        return None
    return f"{text[: found.end(1)]}{'' if found[2] else ' not'}{text[found.end() :]}"


witness = Witness(
    Negation(),
    given={"answers": ["It is so.", "It is not so.", "Yes."]},
    returns=["It is not so.", "It is so.", None],
    parent=ChangedNumber(),
)
