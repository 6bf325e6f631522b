"""Knapsack: answers go where one more of them is worth most.

    p          = the prompt's success rate; at least ``floor`` (also where it was never solved), 1/2 where it was never tried
    value(n)   = (1 - p^n - (1 - p)^n) * p (1 - p)^2        the chance that n answers are not all alike, times what a step on them is expected to raise p by
    answers    = the numbers between ``least`` and ``most`` with the given sum whose values sum up to most

From the first answer on each further one is worth less than the one before, p^n (1 - p) + (1 - p)^n p, so dealing them out one by one, each to whom it is
worth most, is the optimum of the knapsack; of equals the first prompt gets it. What is always solved has the value 0 and gets the least.

Source: Knapsack RL, Li et al. 2025, arXiv 2509.25849: the value and the bounds. ``least`` 2, since one answer has nothing to be compared with, and ``most``
128: as there. The paper gives prompts that were never solved what the others do not need; here ``floor`` 0.1 (ours) does so: their next answer is worth as
much as if one in ten were right. With 0.02 they got the least and stayed unsolved. Differs from ByDifficulty: hardest is not most worth; what is solved now
and then is.
"""

import heapq
from dataclasses import dataclass

import torch
from torch import Tensor

from guerdon.data.allocation._filling import checked
from guerdon.data.allocation.by_difficulty import ByDifficulty
from guerdon.witness import Witness


@dataclass(frozen=True)
class Knapsack:
    least: int = 2
    most: int = 128
    floor: float = 0.1
    decay: float = 1.0

    def __call__(self, success: Tensor, chosen: Tensor, total: int) -> Tensor:
        checked(self, len(chosen), total)
        rate = success[chosen].double().nan_to_num(nan=0.5).clamp(min=self.floor).tolist()
        counts = [self.least] * len(rate)
        next_ones = [(-gain(p, self.least), k) for k, p in enumerate(rate) if self.least < self.most]
        heapq.heapify(next_ones)
        for _ in range(total - sum(counts)):
            _, k = heapq.heappop(next_ones)
            counts[k] += 1
            if counts[k] < self.most:
                heapq.heappush(next_ones, (-gain(rate[k], counts[k]), k))
        return torch.tensor(counts, dtype=torch.long)


def value(p: float, n: int) -> float:
    """Of n answers to a prompt that is solved with probability p."""
    return (1 - p**n - (1 - p) ** n) * p * (1 - p) ** 2


def gain(p: float, n: int) -> float:
    """What one more answer is worth after n of them."""
    return (p**n * (1 - p) + (1 - p) ** n * p) * p * (1 - p) ** 2


# Gains of a third, fourth and fifth answer at p = 1/2: 1/4 * 1/8 and a half and a quarter of that; of a third at p = 1/10: 0.0073; at p = 1: 0.
_given = {"success": torch.tensor([0.5, 0.0, 1.0]), "chosen": torch.tensor([0, 1, 2]), "total": 9}
_never = {"success": torch.tensor([1.0, 0.0]), "chosen": torch.tensor([0, 1]), "total": 8}
witness = (
    Witness(Knapsack(), parent=ByDifficulty(least=2), given=_given, returns=[5, 2, 2]),
    Witness(Knapsack(most=3), parent=Knapsack(), given=_given, returns=[3, 3, 3]),
    Witness(Knapsack(least=3), parent=Knapsack(), given=_given, returns=[3, 3, 3]),
    Witness(Knapsack(), parent=Knapsack(floor=0.0), given=_never, returns=[2, 6]),
)
