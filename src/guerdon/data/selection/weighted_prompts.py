"""Weighted prompts: which prompts are practised next, each drawn with probability proportional to its weight.

    without replacement:  the ``count`` largest of  log(u) / weight,  u uniform in (0, 1)        indices into P, ascending
    with replacement:     ``count`` independent draws

Weights come from a column of the data or from a rule that keeps success rates (``Unsolved``, ``Learnability``). The draw is a pure function of the weights
and the seed.

Source: Efraimidis and Spirakis, Weighted random sampling with a reservoir, 2006, algorithm A (``replacement`` off, the default, so that a
batch does not hold the same prompt twice).
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from guerdon.errors import InputError
from guerdon.randomness import generator
from guerdon.witness import Witness


@dataclass(frozen=True)
class WeightedPrompts:
    replacement: bool = False

    def __call__(self, weight: Tensor, count: int, seed: int) -> Tensor:
        weight = weight.double()
        if not (weight.isfinite() & (weight >= 0)).all():
            raise InputError("a prompt's weight is negative or not a finite number; weights are 0 or more")
        possible = int((weight > 0).sum())
        if possible < (min(count, 1) if self.replacement else count):
            raise InputError(
                f"{count} prompts are to be drawn and only {possible} have a weight above 0; lower the count or draw with replacement"
            )
        draw = torch.rand(count if self.replacement else len(weight), generator=generator(seed, "prompts"), dtype=torch.float64)
        if self.replacement:
            reach = weight.cumsum(0)
            return torch.searchsorted(reach, draw * reach[-1], right=True).clamp(max=int(weight.nonzero().max())).sort().values
        return (draw.clamp(min=1e-300).log() / weight).topk(count).indices.sort().values


witness = (
    Witness(WeightedPrompts(), given={"weight": torch.tensor([0.0, 1.0, 0.0]), "count": 1, "seed": 0}, returns=[1]),
    Witness(
        WeightedPrompts(),
        parent=WeightedPrompts(replacement=True),
        given={"weight": torch.tensor([1.0, 0.0, 1e-9]), "count": 2, "seed": 0},
        returns=[0, 2],
    ),
)
