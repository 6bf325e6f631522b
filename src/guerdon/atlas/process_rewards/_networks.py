"""Networks of one hidden layer that several labels teach at once; what ``_steps.taught`` does for one label of each step."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from guerdon.models.heads._personal import perceptron


def network(inputs: int, outputs: int, seed: int, units: int = 16) -> nn.Module:
    """In float64."""
    return perceptron((inputs, units, outputs), seed, "network").double()


def descended(module: nn.Module, loss: Callable[[], Tensor], learning_rate: float, steps: int, decay: float = 0.0) -> None:
    """So many steps of AdamW down the whole loss, with this decay of weights; the rate falls to 0 in a line."""
    optimiser = torch.optim.AdamW(module.parameters(), lr=learning_rate, weight_decay=decay)
    for step in range(steps):
        for group in optimiser.param_groups:
            group["lr"] = learning_rate * (1 - step / steps)
        optimiser.zero_grad()
        loss().backward()
        optimiser.step()
