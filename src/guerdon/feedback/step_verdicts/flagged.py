"""Flagged: kinds of error are decided first; a step with any is worth less than every other, and one with none as much as it is then thought to be right.

    worth = right     where free_k >= threshold for every kind k
            -1        elsewhere                                        [...]

All steps with an error are worth the same, so that it is open which of them is taken where there are no others.

Source: PathFinder-PRM, Pala et al. 2025, arXiv 2505.19706, and its authors' code (``PathFinderPRM.inference_single``): two labels, mathematics and consistency, are read off
in one pass by the likelier token; a negative one ends it with -1; else a second pass, which is shown the two labels, gives the probability that the step is correct.
``threshold`` 1/2 is the likelier token.
Differs from ChanceOfAll: how surely there is an error does not count.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from guerdon.errors import InputError
from guerdon.feedback.step_verdicts.chance_of_all import ChanceOfAll, _given
from guerdon.witness import Witness


@dataclass(frozen=True)
class Flagged:
    threshold: float = 0.5

    def __post_init__(self) -> None:
        if not 0 < self.threshold < 1:
            raise InputError(f"flagged: the threshold is {self.threshold:g}; give a probability between 0 and 1")

    def __call__(self, free: Tensor, right: Tensor) -> Tensor:
        return torch.where((free >= self.threshold).all(-1), right, torch.full_like(right, -1.0))


witness = (
    Witness(Flagged(), parent=ChanceOfAll(), given=_given, returns=[0.5, 1.0, -1.0]),
    Witness(Flagged(threshold=0.6), parent=Flagged(), given=_given, returns=[0.5, -1.0, -1.0]),
)
