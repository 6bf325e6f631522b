"""Noisy: every label is wrong with the same probability.

    p = 1 - rate        [N]

The minimiser for labels that are really wrong at that rate is not the clean one but what the noisy labels say, held short of certainty.

Source: conservative DPO, Mitchell 2023, note on DPO, eq. 3. Default ``rate`` 0.1: ours, the least that is common among annotators.
"""

from dataclasses import dataclass

import torch

from guerdon.quantities import N
from guerdon.witness import Witness


@dataclass(frozen=True)
class Noisy:
    rate: float = 0.1

    def __call__(self, chosen_score: N) -> N:
        return torch.full_like(chosen_score, 1 - self.rate)


witness = Witness(Noisy(rate=0.25), given={"chosen_score": [5.0, -2.0]}, returns=[0.75, 0.75])
