"""The loss of a pair under each of several heads, and one score of a side from what they all say."""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from guerdon.losses.comparisons import Comparison
from guerdon.parts import call, needs, wants

SCORES = frozenset({"chosen_score", "rejected_score"})
HEADS = frozenset({"chosen_head_score", "rejected_head_score"})


def needed(link: Comparison) -> frozenset[str]:
    """What is needed to know the loss under each head."""
    return HEADS | (needs(link) - SCORES)


def wanted(link: Comparison) -> frozenset[str]:
    """What the link does without."""
    return wants(link) - SCORES


def side_scores(quantities: Mapping[str, Tensor], one: Callable[[Tensor], Tensor]) -> dict[str, Tensor]:
    """``chosen_score`` and ``rejected_score`` [N], each ``one`` [N, K] → [N] of what the heads say of that side."""
    return {name.replace("_head", ""): one(quantities[name]) for name in sorted(HEADS)}


def under_each(link: Comparison, quantities: Mapping[str, Tensor], turned: bool = False) -> Tensor:
    """[N, K], the link's loss with the scores of each head; ``turned``: with the sides in each other's place."""
    first, second = quantities["chosen_head_score"], quantities["rejected_head_score"]
    if turned:
        first, second = second, first
        quantities = {**quantities, "margin": -quantities["margin"]} if "margin" in quantities else quantities
    return torch.stack(
        [call(link, {**quantities, "chosen_score": a, "rejected_score": b}) for a, b in zip(first.T, second.T, strict=True)], -1
    )
