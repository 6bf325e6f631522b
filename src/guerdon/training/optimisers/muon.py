"""Muon: the step of a matrix is its momentum made orthogonal; vectors, embeddings and heads are AdamW's.

    b = momentum b + (1 - momentum) g,   u = (1 - momentum) g + momentum b (Nesterov)
    X = u / |u|, then ``iterations`` times X = c0 X + (c1 A + c2 A^2) X with A = X X^T, which takes every singular value to about 1
    p = (1 - lr wd) p - 0.2 sqrt(max(rows, columns)) lr X

Source: Jordan et al. 2024 (Muon: an optimizer for hidden layers in neural networks), with the factor of arXiv 2502.16982, eq. 4, that makes a step as long as AdamW's, so
that one learning rate is right for both. Coefficients, iterations and momentum are Jordan's; torch's implementation iterates in bfloat16.
Differs from AdamW: a step is as long in every direction of a matrix, and there is one number of state for each parameter and not two.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import nn

from guerdon.errors import InputError
from guerdon.training.optimisers._building import Together, seen, trained_of, walked, within
from guerdon.training.optimisers.adamw import AdamW
from guerdon.training.schedules import Schedule
from guerdon.witness import Witness


@dataclass(frozen=True)
class Muon:
    """
    Attributes:
        betas, eps: of AdamW, for what is no matrix between hidden states.
    """

    learning_rate: float | Schedule = 1e-6
    momentum: float = 0.95
    coefficients: tuple[float, float, float] = (3.4445, -4.775, 2.0315)
    iterations: int = 5
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8
    weight_decay: float = 0.0
    max_grad_norm: float = 1.0
    keeps: ClassVar[float] = 4.0  # but AdamW's of embeddings, head and vectors

    def build(self, parameters: Iterable[nn.Parameter], edges: Collection[nn.Parameter] = ()) -> Together:
        """The two optimisers as one; the learning rate is set before every step.

        Raises:
            InputError: this torch has no Muon.
        """
        if not hasattr(torch.optim, "Muon"):
            raise InputError(f"optimiser: muon came with torch 2.9, and this is {torch.__version__}; update torch, or take adamw")
        trained = trained_of(parameters)
        inner = [p for p in trained if p.dim() == 2 and not within(p, edges)]
        outer = [p for p in trained if not within(p, inner)]
        made = []
        if inner:
            settings = {"ns_coefficients": self.coefficients, "ns_steps": self.iterations, "adjust_lr_fn": "match_rms_adamw"}
            made.append(seen(torch.optim.Muon(inner, lr=0.0, weight_decay=self.weight_decay, momentum=self.momentum, **settings), inner))
        if outer:
            made.append(AdamW(betas=self.betas, eps=self.eps, weight_decay=self.weight_decay).build(outer))
        return Together(*made)

    def __call__(self, start, gradients):
        return walked(self, start, gradients)


# A matrix of rank one has, divided by its norm, the singular value 1, where these coefficients leave it: X is 0.5 everywhere. The factor is 0.2 sqrt(4).
_still = (1.875, -1.25, 0.375)
_ones = [[0.25] * 4] * 4
_given = {"start": _ones, "gradients": [_ones]}
_second = {"start": _ones, "gradients": [_ones, [[0.0] * 4] * 4]}
witness = (
    Witness(Muon(1.0, coefficients=_still), given=_given, returns=[[0.15] * 4] * 4, parent=AdamW(1.0)),
    Witness(
        Muon(1.0, coefficients=_still, weight_decay=0.4), given=_given, returns=[[0.05] * 4] * 4, parent=Muon(1.0, coefficients=_still)
    ),
    Witness(
        Muon(1.0, coefficients=(0.5, 0.0, 0.0), iterations=2),
        given=_given,
        returns=[[0.225] * 4] * 4,
        parent=Muon(1.0, coefficients=(0.5, 0.0, 0.0)),
    ),
    Witness(Muon(1.0, momentum=0.0, coefficients=_still), given=_second, returns=[[0.15] * 4] * 4, parent=Muon(1.0, coefficients=_still)),
    Witness(Muon(0.25), given={"start": [2.0], "gradients": [[0.5]]}, returns=[1.75], parent=Muon(0.25, eps=0.5)),
    Witness(Muon(0.25, betas=(0.0, 0.0)), given={"start": [2.0], "gradients": [[0.5], [0.25]]}, returns=[1.5], parent=Muon(0.25)),
)
