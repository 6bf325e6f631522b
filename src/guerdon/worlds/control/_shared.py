"""What several worlds share: moves on a grid, a state that is seen whole, and something that happens with a probability."""

import torch
from torch import Tensor

CLOCKWISE = torch.tensor([[-1, 0], [0, 1], [1, 0], [0, -1]], dtype=torch.float64)  # up, right, down, left
PAIRWISE = torch.tensor([[-1, 0], [1, 0], [0, -1], [0, 1]], dtype=torch.float64)  # up, down, left, right, as MO-Gymnasium counts them


class SeenWhole:
    """Worlds in which the state is observed."""

    def observe(self, state: Tensor) -> Tensor:
        return state


def chances(probability: float) -> list[tuple[float, float]]:
    """``outcomes`` of a world in which something happens where a number of the noise is below its probability."""
    return [(probability / 2, probability), ((1 + probability) / 2, 1 - probability)] if probability else [(0.5, 1.0)]
