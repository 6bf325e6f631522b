"""Square: the score is to be how much likelier the sequence is to win than to lose.

    loss = (score - (label - 1/2))^2        [B], in units of the score squared

``label`` is the probability that the sequence is preferred to what the policy writes. On the log-ratio of ``beta`` = 1 / eta it is SPPO's loss, times beta^2: its
solution is the reference times exp(eta label), normalised, as far as the logarithm of the normaliser is the eta / 2 that 1/2 stands for.

Source: SPPO, arXiv 2405.00675, eq. 4.7 (the number is the one that TRL's source gives).
Differs from CrossEntropy: the score is the win rate above one half, not its log-odds, and finite for a sequence that always wins.
"""

from dataclasses import dataclass
from typing import ClassVar

from guerdon.losses.verdicts.cross_entropy import CrossEntropy
from guerdon.quantities import B
from guerdon.witness import Witness


@dataclass(frozen=True)
class Square:
    per_item: ClassVar[bool] = True  # a loss per sequence, not per step

    def __call__(self, score: B, label: B) -> B:
        return (score - (label - 0.5)) ** 2


witness = Witness(
    Square(), parent=CrossEntropy(), given={"score": [1.0, 0.25], "label": [0.5, 0.75]}, returns=[1.0, 0.0], gradient={"score": [2.0, 0.0]}
)
