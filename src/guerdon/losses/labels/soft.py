"""Soft: the probability that the chosen side is preferred is known, of many votes or of a judge that says how sure it is.

    p = preference        [N], the column of that name

Source: soft labels of AI feedback, RLAIF, arXiv 2309.00267; for DPO, the win rate of a general preference, DNO, arXiv 2404.03715.
Differs from Noisy: known pair by pair.
"""

from dataclasses import dataclass

from guerdon.losses.labels.noisy import Noisy
from guerdon.quantities import N
from guerdon.witness import Witness


@dataclass(frozen=True)
class Soft:
    def __call__(self, preference: N) -> N:
        return preference


witness = Witness(Soft(), parent=Noisy(), given={"chosen_score": [0.0, 0.0], "preference": [0.6, 1.0]}, returns=[0.6, 1.0])
