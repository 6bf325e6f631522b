"""Chance of all: a step is worth the probability that it is free of every kind of error and right besides.

    worth = right * prod over k of free_k        [...], a probability

That is the probability itself where kinds of error come independently, ``right`` being that of a step without any.

Source: the rule of the chain, of what PathFinder-PRM asks for in turn, Pala et al. 2025, arXiv 2505.19706, section 3, where the kinds are decided and not weighed (``flagged``).
"""

from dataclasses import dataclass

from torch import Tensor

from guerdon.witness import Witness


@dataclass(frozen=True)
class ChanceOfAll:
    def __call__(self, free: Tensor, right: Tensor) -> Tensor:
        return right * free.prod(-1)


_given = {"free": Tensor([[0.75, 1.0], [0.5, 0.5], [0.25, 1.0]]), "right": Tensor([0.5, 1.0, 1.0])}
witness = Witness(ChanceOfAll(), given=_given, returns=[0.375, 0.25, 0.25])
