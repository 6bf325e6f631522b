"""PUCT: what is worth most, or was likely and seldom tried.

    worth = value + exploration * prior * sqrt(tried) / (1 + visits)

``exploration`` is in units of the score.

Source: AlphaGo Zero, Silver et al. 2017 (the variant of PUCT in its methods); over steps: MCTS-DPO, arXiv 2405.00451, equation 3, with ``exploration`` 1.
Differs from UCT: what the policy finds unlikely need not be tried at all.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

from guerdon.acting.descents.uct import UCT, _known
from guerdon.witness import Witness


@dataclass(frozen=True)
class PUCT:
    exploration: float = 1.0

    def __call__(self, value: Sequence[float], visits: Sequence[int], prior: Sequence[float], tried: int) -> list[float]:
        return [v + self.exploration * p * sqrt(tried) / (1 + n) for v, n, p in zip(value, visits, prior, strict=True)]


witness = Witness(
    PUCT(),
    parent=UCT(),
    given=_known,
    returns=[0.5 + 0.5 * sqrt(5) / 5, 0.25 + 0.25 * sqrt(5) / 2, 0.25 * sqrt(5)],
)
