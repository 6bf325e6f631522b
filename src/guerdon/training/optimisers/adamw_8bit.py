"""AdamW with a state of eight bits: a quarter of the memory that AdamW's two moments take.

    as AdamW, with m and v stored in blocks of eight-bit numbers that share a scale

Source: arXiv 2110.02861, in the implementation of ``bitsandbytes`` or ``torchao``, whichever is installed; ours is only the choice. The first has kernels for cards and for CPUs;
the second compiles its step at the first one, which took a minute where the other took a second.
Differs from AdamW: the moments are rounded, of tensors with 4,096 numbers or more. What is rounded together is a block, so that several processes each step on whole parameters.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import nn

from guerdon.errors import InputError
from guerdon.training.optimisers._building import seen, trained_of
from guerdon.training.schedules import Schedule

PLACES = {"bitsandbytes": ("bitsandbytes.optim", "AdamW8bit"), "torchao": ("torchao.optim", "AdamW8bit")}


@dataclass(frozen=True)
class AdamW8bit:
    learning_rate: float | Schedule = 1e-6
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8
    weight_decay: float = 0.0
    max_grad_norm: float = 1.0
    keeps: ClassVar[float] = 2 + 8 / 256

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
