"""Co-taught: each of several rewards learns from the pairs that another one finds easy, and leaves the rest.

    kept(k) = the share ``keep`` of the batch's pairs with the smallest link_{k + 1}        a constant; after the last head comes the first
    loss_n  = (1 / K) sum_k [n in kept(k)] link_k(n) * N / |kept(k)|                        [N]

where ``link_k`` is the loss of a pair under head k. What is labelled wrongly is hard to fit and is learned last, so it is left out, as long as it is
not learned by heart; that the *other* chooses keeps a head from believing in its own mistakes. ``keep`` 1 is right at first, when nothing is known,
and one minus the share of wrong labels later: a schedule (``keep: {part: linear, start: 1.0, end: 0.7}``). Heads should begin apart and see as much
by themselves as can be had: two bodies are better than one.

Source: Collaborative Reward Modeling, Zhang et al. 2025, arXiv 2505.10597, abstract and summaries: two reward models review each other's pairs by
their margins, and train on what is left. The exchange is co-teaching's, Han et al. 2018, arXiv 1804.06872, algorithm 1, and so is the falling share,
1 - noise * min(step / ramp, 1). ``keep`` 0.7: for three labels in ten that are wrong. More than two heads, in a ring, are ours.
Differs from Expected: not every pair is for every head.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from guerdon.errors import InputError
from guerdon.losses.comparisons import Comparison
from guerdon.losses.comparisons.logistic import LN3, LN4, Logistic
from guerdon.losses.several_heads._each import needed, side_scores, under_each, wanted
from guerdon.losses.several_heads.expected import Expected
from guerdon.quantities import B, N
from guerdon.witness import Limit, Witness


@dataclass(frozen=True)
class CoTaught:
    per_item: ClassVar[bool] = True  # a loss per pair, not per step
    per_batch: ClassVar[bool] = True

    keep: float = 0.7
    link: Comparison = Logistic()

    def __post_init__(self) -> None:
        if isinstance(self.keep, int | float) and not 0 < self.keep <= 1:
            raise InputError(
                f"co_taught.keep is {self.keep}, the share of pairs that are learned from; give a number above 0 and at most 1"
            )

    def needs(self) -> frozenset[str]:
        return needed(self.link)

    def wants(self) -> frozenset[str]:
        return wanted(self.link)

    def scores(self, quantities: Mapping[str, Tensor]) -> dict[str, B]:
        """The mean score of each side."""
        return side_scores(quantities, lambda heads: heads.mean(-1))

    def chosen(self, each: Tensor) -> Tensor:
        """[N, K], which pairs each head learns from, of what every head makes of every pair."""
        kept = self.kept(len(each))
        easiest = each.detach().argsort(dim=0, stable=True)[:kept]
        return torch.zeros_like(each, dtype=torch.bool).scatter_(0, easiest, True).roll(-1, -1)

    def kept(self, pairs: int) -> int:
        """How many pairs a head learns from."""
        return min(pairs, max(1, round(self.keep * pairs)))

    def __call__(self, **quantities: Tensor) -> N:
        each = under_each(self.link, quantities)
        learned = self.chosen(each).to(each.dtype) * (len(each) / max(self.kept(len(each)), 1))
        return (learned * each).mean(-1)


witness = Witness(  # the first head finds the first pair easy, and the second learns from it; and the other way round
    CoTaught(keep=0.5),
    parent=Expected(),
    given={"chosen_head_score": [[LN3, 0.0], [0.0, LN3]], "rejected_head_score": [[0.0, LN3], [LN3, 0.0]]},
    returns=[LN4, LN4],
    gradient={"chosen_head_score": [[0.0, -0.75], [-0.75, 0.0]], "rejected_head_score": [[0.0, 0.75], [0.75, 0.0]]},
)
limits = (Limit(CoTaught(keep=1.0), equals=Expected(), when="every pair is kept"),)
