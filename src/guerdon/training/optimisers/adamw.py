"""AdamW: Adam with decoupled weight decay, on gradients clipped to a global norm.

    m = b1 m + (1 - b1) g,   v = b2 v + (1 - b2) g^2,   p = (1 - lr wd) p - lr (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps)

Source: arXiv 1711.05101, algorithm 2. Betas and eps are torch's; no weight decay, as TRL's trainers default to. 1e-6 is TRL's default learning rate for RL and
DPO of large models; LoRA and small models take ten to a thousand times as much. The norm is cut to 1 as everywhere.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import nn

from guerdon.training.optimisers._building import kinds, seen, trained_of, walked
from guerdon.training.schedules import Schedule
from guerdon.witness import Witness


@dataclass(frozen=True)
class AdamW:
    """
    Attributes:
        learning_rate: a number, or a schedule of progress.
        max_grad_norm: the gradient's global norm is cut to this.
    """

    learning_rate: float | Schedule = 1e-6
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8
    weight_decay: float = 0.0
    max_grad_norm: float = 1.0
    keeps: ClassVar[float] = 8.0
    elementwise: ClassVar[bool] = True

    def build(self, parameters: Iterable[nn.Parameter], edges: Collection[nn.Parameter] = ()) -> torch.optim.Optimizer:
        """The optimiser; the learning rate is set before every step."""
        trained = trained_of(parameters)
        return seen(
            torch.optim.AdamW(kinds(trained), lr=0.0, betas=self.betas, eps=self.eps, weight_decay=self.weight_decay, fused=True), trained
        )

    def __call__(self, start, gradients):
        return walked(self, start, gradients)


# A first step is of the length lr whatever the gradient; with betas of 0 every step is. Under a norm of 1e-3 the gradient is no longer large beside eps = 1e-3.
_given = {"start": [2.0], "gradients": [[0.5]]}
witness = (
    Witness(AdamW(0.25), given=_given, returns=[1.75]),
    Witness(AdamW(0.25, weight_decay=0.4), given=_given, returns=[1.55], parent=AdamW(0.25)),
    Witness(AdamW(0.25, eps=0.5), given=_given, returns=[1.875], parent=AdamW(0.25)),
    Witness(AdamW(0.25, betas=(0.0, 0.0)), given={"start": [2.0], "gradients": [[0.5], [0.25]]}, returns=[1.5], parent=AdamW(0.25)),
    Witness(AdamW(0.25, eps=1e-3, max_grad_norm=1e-3), given=_given, returns=[1.875], parent=AdamW(0.25, eps=1e-3)),
)
