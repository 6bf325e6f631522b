"""AdamW, as a specification: what it is built with, and how large the gradient may be."""

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import nn

from guerdon.training.schedules import Schedule


@dataclass(frozen=True)
class AdamW:
    """Adam with decoupled weight decay (arXiv 1711.05101), on gradients clipped to a global norm.

    Attributes:
        learning_rate: a number, or a schedule of progress. 1e-6 is TRL's default for RL and DPO of large models; LoRA
            and small models take ten to a thousand times as much.
        max_grad_norm: the gradient's global norm is cut to this; 1.0 as everywhere.
    """

    learning_rate: float | Schedule = 1e-6
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8
    weight_decay: float = 0.0
    max_grad_norm: float = 1.0

    def build(self, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        """The optimiser; the learning rate is set before every step."""
        trained = [p for p in parameters if p.requires_grad]
        optimiser = torch.optim.AdamW(trained, lr=0.0, betas=self.betas, eps=self.eps, weight_decay=self.weight_decay, fused=True)
        # The fused step leaves no trace in the parameters' version counters, by which whoever holds a copy of them sees that they moved.
        optimiser.register_step_post_hook(lambda *_: torch.autograd.graph.increment_version(trained))
        return optimiser
