"""Plackett-Luce: the negative log-likelihood of a ranking, in which the best is chosen first, then the best of the rest, and so on.

    loss[k] = log(sum over candidates i not better than k of exp(score_i)) - score_k        [B], nats; 0 for the last of a group

Of candidates with equal rewards the one that comes first counts as the better one. Only the order of the rewards is read.

Source: Plackett 1975; Luce 1959. As the ranking loss of language models: PRO, arXiv 2306.17492; of DPO: arXiv 2305.18290, appendix.
"""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from guerdon.losses.rankings._groups import group_by_group
from guerdon.quantities import B, Group
from guerdon.witness import Witness


@dataclass(frozen=True)
class PlackettLuce:
    per_group: ClassVar[bool] = True

    def __call__(self, score: B, reward: B, group: Group) -> B:
        return group_by_group(_of_ranked, score, reward, group)


def _of_ranked(score: Tensor, reward: Tensor) -> Tensor:
    """The losses of one group, the best first."""
    return score.flip(0).logcumsumexp(0).flip(0) - score  # of each candidate and all behind it


LN2, LN3 = 0.6931471805599453, 1.0986122886681098
witness = Witness(  # exp(scores) are 1, 2 and 1: the best has 2 of 4, the next 1 of 2; a group of one says nothing
    PlackettLuce(),
    given={"score": [0.0, LN2, 0.0, 5.0], "reward": [0.0, 3.0, 1.0, 2.0], "group": [0, 0, 0, 1]},
    returns=[0.0, LN2, LN2, 0.0],
    gradient={"score": [0.75, -0.5, -0.25, 0.0]},  # of the last: 1/4 + 1/2
)
