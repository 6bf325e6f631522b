"""AdamW with a state of eight bits: a quarter of the memory that AdamW's two moments take.

    as AdamW, with m and v stored in blocks of eight-bit numbers that share a scale

Source: arXiv 2110.02861, in the implementation of ``torchao`` or ``bitsandbytes``, whichever is installed; ours is only the choice.
Differs from AdamW: the moments are rounded. ``bitsandbytes`` needs a GPU.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

import torch
from torch import nn

from guerdon.errors import InputError
from guerdon.training.optimisers._building import seen, trained_of
from guerdon.training.schedules import Schedule

PLACES = {"torchao": ("torchao.optim", "AdamW8bit"), "bitsandbytes": ("bitsandbytes.optim", "AdamW8bit")}


@dataclass(frozen=True)
class AdamW8bit:
    learning_rate: float | Schedule = 1e-6
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8
    weight_decay: float = 0.0
    max_grad_norm: float = 1.0

    def build(self, parameters: Iterable[nn.Parameter], edges: Collection[nn.Parameter] = ()) -> torch.optim.Optimizer:
        """The optimiser; the learning rate is set before every step.

        Raises:
            InputError: neither package is installed.
        """
        import importlib

        trained = trained_of(parameters)
        for package, (module, name) in PLACES.items():
            if importlib.util.find_spec(package) is not None:
                kind = getattr(importlib.import_module(module), name)
                return seen(kind(trained, lr=1e-3, betas=self.betas, eps=self.eps, weight_decay=self.weight_decay), trained)
        raise InputError(
            f"optimiser: adamw_8bit needs a package that is not installed; pip install {' or '.join(PLACES)}, or take adafactor, whose state is small"
        )
