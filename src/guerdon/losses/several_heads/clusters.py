"""Clusters: everybody belongs to one of K groups, and is judged by the reward of the one that explains best what they have said.

    group(u) = argmin_k  sum of link_k over the pairs of u in the batch              a constant
    loss     = link_{group(u)}                                                       [N]

where ``link_k`` is the loss of the pair under head k. The choice is the E-step, the gradient a part of the M-step, of expectation
maximisation with hard assignments: on all pairs at once it is k-means with rewards for centres. A batch should hold several pairs of a
user: the fewer, the more people wander between groups.

Source: MaxMin-RLHF, Chakraborty et al. 2024, arXiv 2402.08925, its algorithm of learning rewards by expectation maximisation, where a fit
of every reward lies between two assignments.
Differs from Mixture: who judged is known, so that a user's pairs are of one kind together; and the kind is decided, not weighed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from guerdon.losses.comparisons import Comparison
from guerdon.losses.comparisons.logistic import LN3, LN4, Logistic
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.scores.head import Head
from guerdon.losses.several_heads._each import needed, side_scores, under_each, wanted
from guerdon.losses.several_heads.mixture import Mixture
from guerdon.quantities import B, N
from guerdon.witness import Limit, Witness


@dataclass(frozen=True)
class Clusters:
    per_item: ClassVar[bool] = True  # a loss per pair, not per step
    per_batch: ClassVar[bool] = True

    link: Comparison = Logistic()

    def needs(self) -> frozenset[str]:
        return needed(self.link) | {"user"}

    def wants(self) -> frozenset[str]:
        return wanted(self.link)

    def scores(self, quantities: Mapping[str, Tensor]) -> dict[str, B]:
        """What the reward of each user's group says of each side."""
        group = self._group(under_each(self.link, quantities), quantities["user"])
        return side_scores(quantities, lambda heads: heads.gather(-1, group).squeeze(-1))

    def __call__(self, **quantities: Tensor) -> N:
        each = under_each(self.link, quantities)
        return each.gather(-1, self._group(each, quantities["user"])).squeeze(-1)

    @staticmethod
    def _group(each: Tensor, user: Tensor) -> Tensor:
        """[N, 1], of the user of each pair."""
        _, place = torch.unique(user, return_inverse=True)
        total = each.new_zeros(int(place.max()) + 1 if len(place) else 0, each.shape[-1]).index_add_(0, place, each.detach())
        return total.argmin(-1)[place].unsqueeze(-1)


witness = Witness(  # user 7 likes what the first head likes, twice, and what the second likes, once: the first, also where it is wrong; user 9 the second
    Clusters(),
    parent=Mixture(),
    given={
        "chosen_head_score": [[LN3, 0.0], [LN3, 0.0], [0.0, LN3], [0.0, LN3]],
        "rejected_head_score": [[0.0, LN3], [0.0, LN3], [LN3, 0.0], [LN3, 0.0]],
        "chosen_mixture_logp": [[0.0, 0.0]] * 4,
        "user": [7, 7, 7, 9],
    },
    returns=[LN4 - LN3, LN4 - LN3, LN4, LN4 - LN3],
    gradient={"chosen_head_score": [[-0.25, 0.0], [-0.25, 0.0], [-0.75, 0.0], [0.0, -0.25]]},
)


def _one(inputs: dict) -> dict:
    """One head, which is the score."""
    return inputs | {f"{side}_head_score": inputs[f"{side}_score"].unsqueeze(-1) for side in ("chosen", "rejected")}


limits = (Limit(Clusters(), equals=Pairwise(Head(), Logistic()), when="there is one group", under=_one),)
