"""Adafactor: the second moment of a matrix from its rows and columns, and steps relative to the size of what they change.

    v = (row means of g^2) (column means of g^2) / mean,   each an average with the weight t^decay of what is new
    u = g / sqrt(v), its root mean square cut to ``threshold``
    p = (1 - lr wd) p - max(smallest, RMS(p)) min(lr, 1 / sqrt(t)) u

Source: arXiv 1804.04235, algorithms 4 and 5, without the first moment, as torch has it. ``decay``, ``threshold`` and ``smallest`` are the paper's (-0.8, 1, 1e-3), the learning
rate of 1e-2 is its largest relative step.
Differs from AdamW: a matrix of n by m has n + m numbers of state and not 2 n m; the learning rate is relative to the parameter.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import nn

from guerdon.training.optimisers._building import seen, trained_of, walked
from guerdon.training.optimisers.adamw import AdamW
from guerdon.training.schedules import Schedule
from guerdon.witness import Witness


@dataclass(frozen=True)
class Adafactor:
    learning_rate: float | Schedule = 1e-2
    decay: float = -0.8
    threshold: float = 1.0
    smallest: float = 1e-3
    weight_decay: float = 0.0
    max_grad_norm: float = 1.0
    keeps: ClassVar[float] = 0.0  # of a matrix a number for each row and column

    def build(self, parameters: Iterable[nn.Parameter], edges: Collection[nn.Parameter] = ()) -> torch.optim.Optimizer:
        """The optimiser; the learning rate is set before every step."""
        trained = trained_of(parameters)
        made = torch.optim.Adafactor(
            trained, lr=0.0, beta2_decay=self.decay, eps=(None, self.smallest), d=self.threshold, weight_decay=self.weight_decay
        )
        return seen(made, trained)

    def __call__(self, start, gradients):
        return walked(self, start, gradients)


# A first step of a vector is its sign, and of a matrix of rank one too: here as long as lr times the root mean square of the start.
_given = {"start": [2.0], "gradients": [[0.5]]}
witness = (
    Witness(Adafactor(0.25), given=_given, returns=[1.5], parent=AdamW(0.25)),
    Witness(
        Adafactor(0.25),
        given={"start": [[2.0, 2.0], [2.0, 2.0]], "gradients": [[[0.1, 0.2], [-0.2, -0.4]]]},
        returns=[[1.5, 1.5], [2.5, 2.5]],
        parent=AdamW(0.25),
    ),
    Witness(Adafactor(0.25, smallest=4.0), given=_given, returns=[1.0], parent=Adafactor(0.25)),
    # A gradient after none: with a quarter of the weight on what is new (t^-2) it is twice as large as the root of its average.
    Witness(
        Adafactor(0.25, decay=-2.0, threshold=2.0),
        given={"start": [2.0], "gradients": [[0.0], [0.5]]},
        returns=[1.0],
        parent=Adafactor(0.25, decay=-2.0),
    ),
    Witness(Adafactor(0.25, weight_decay=0.4), given=_given, returns=[1.3], parent=Adafactor(0.25)),
    # The second gradient is half of the first: with all weight on what is new (t^0) its step is again a sign, and RMS(1.5) / 4 long.
    Witness(Adafactor(0.25, decay=0.0), given={"start": [2.0], "gradients": [[0.5], [0.25]]}, returns=[1.125], parent=Adafactor(0.25)),
)
