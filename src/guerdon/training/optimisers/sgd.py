"""Stochastic gradient descent, with momentum.

    v = momentum v + g,   p = (1 - lr wd) p - lr v        (weight decay enters as wd p in g, as in torch)

Source: Polyak 1964 in the form of Sutskever et al. 2013 that torch has (no damping).
Differs from AdamW: a step is as long as the gradient, and there is one number of state for each parameter, or none without momentum.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import nn

from guerdon.training.optimisers._building import kinds, seen, trained_of, walked
from guerdon.training.optimisers.adamw import AdamW
from guerdon.training.schedules import Schedule
from guerdon.witness import Witness


@dataclass(frozen=True)
class SGD:
    learning_rate: float | Schedule = 1e-3
    momentum: float = 0.0
    weight_decay: float = 0.0
    max_grad_norm: float = 1.0
    elementwise: ClassVar[bool] = True

    @property
    def keeps(self) -> float:
        return 4.0 if self.momentum else 0.0

    def build(self, parameters: Iterable[nn.Parameter], edges: Collection[nn.Parameter] = ()) -> torch.optim.Optimizer:
        """The optimiser; the learning rate is set before every step."""
        trained = trained_of(parameters)
        return seen(torch.optim.SGD(kinds(trained), lr=0.0, momentum=self.momentum, weight_decay=self.weight_decay), trained)

    def __call__(self, start, gradients):
        return walked(self, start, gradients)


_given = {"start": [2.0], "gradients": [[0.5], [0.0]]}
witness = (
    Witness(SGD(0.5), given=_given, returns=[1.75], parent=AdamW(0.5)),
    Witness(SGD(0.5, momentum=0.5), given=_given, returns=[1.625], parent=SGD(0.5)),
    Witness(SGD(0.5, weight_decay=0.25), given={"start": [2.0], "gradients": [[0.5]]}, returns=[1.5], parent=SGD(0.5)),
    Witness(SGD(0.5, max_grad_norm=9.0), given={"start": [2.0], "gradients": [[4.0]]}, returns=[0.0], parent=SGD(0.5)),
)
