"""Success rate: a step is labelled with the share of continuations from after it that came out right.

    label_k = mean of the outcomes from after step k

Source: Math-Shepherd, arXiv 2312.08935, eq. 4 (soft estimation); the value of a prefix under whoever continues.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from guerdon.witness import Witness


@dataclass(frozen=True)
class SuccessRate:
    def __call__(self, outcomes: Sequence[Sequence[float]]) -> list[float]:
        return [sum(own) / len(own) for own in outcomes]


_given = {"outcomes": [[1, 1, 1, 0], [0, 0, 1, 0], [0, 0, 0, 0]]}
witness = Witness(SuccessRate(), given=_given, returns=[0.75, 0.25, 0.0])
