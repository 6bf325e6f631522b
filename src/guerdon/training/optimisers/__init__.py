"""Optimisers: gradients → a step. A specification, whose ``build`` makes the running optimiser of ``torch``'s kind.

What a learner sets before each step is the learning rate of every group; what it clips before each step is the gradient's global norm.
"""

from collections.abc import Collection, Iterable
from typing import Protocol

import torch
from torch import nn

from guerdon.training.schedules import Schedule


class Optimiser(Protocol):
    """Parameters → what steps on their gradients; ``edges`` are embeddings and heads, which are no maps from hidden states to hidden states.

    Called with a start and gradients, it says where a parameter is after a step on each. One whose step on a number depends on nothing but that number's gradients says
    that it is ``elementwise``: then several processes may each hold a part of every parameter.
    """

    learning_rate: float | Schedule
    max_grad_norm: float

    @property
    def keeps(self) -> float:
        """Bytes for each number that is trained, by which ``guerdon check`` counts."""
        ...

    def build(self, parameters: Iterable[nn.Parameter], edges: Collection[nn.Parameter] = ()) -> torch.optim.Optimizer: ...
