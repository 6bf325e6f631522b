"""Best only: of a ranking, the score of the best candidate is to rise, and the others say nothing.

    loss[k] = -score_k for the best of its group, 0 for the others        [B], in units of the score

On log-probabilities it is SFT on the best answer, the second term of PRO and of RRHF. Of equal rewards the first counts as the best.

Source: PRO, arXiv 2306.17492 (its L_SFT); RRHF, arXiv 2304.05302.
Differs from PlackettLuce: nothing is pushed down.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch

from guerdon.losses.rankings.plackett_luce import PlackettLuce
from guerdon.quantities import B, Group
from guerdon.witness import Witness


@dataclass(frozen=True)
class BestOnly:
    per_group: ClassVar[bool] = True

    def __call__(self, score: B, reward: B, group: Group) -> B:
        best = torch.zeros_like(score, dtype=torch.bool)
        for members in torch.unique(group):
            rows = (group == members).nonzero().squeeze(-1)
            best[rows[reward[rows].argmax()]] = True
        return torch.where(best, -score, torch.zeros_like(score))


witness = Witness(
    BestOnly(),
    parent=PlackettLuce(),
    given={"score": [-3.0, -2.0, -1.0, -5.0], "reward": [0.0, 1.0, 1.0, 2.0], "group": [0, 0, 0, 1]},
    returns=[0.0, 2.0, 0.0, 5.0],
    gradient={"score": [0.0, -1.0, 0.0, -1.0]},
)
