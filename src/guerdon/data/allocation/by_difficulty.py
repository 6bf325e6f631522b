"""By difficulty: prompts that are solved less often get more answers, those that are solved most often the least.

    rank    = place among all prompts that were tried, the one that is solved most often first, divided by their number        in [0, 1)
    answers = least + floor((total - least * K) * rank / sum of the step's ranks)
              what rounding leaves goes to the highest ranks, up to ``most`` answers each, and from there down the ranks

A prompt that was never tried has rank 0. Where no rank is above 0 all get alike.

Source: E3-RL4LLMs, Liao et al. 2025, arXiv 2505.18573, and its code (``get_rollout_n_per_prompt`` and ``update_rank``); least 4 and most 12 of a mean of 8: its
scripts. There ``most`` bounds only what rounding leaves, and where that is full the total falls short; here nobody gets more than ``most`` as long as others can take it.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from guerdon.data.allocation._filling import checked, filled
from guerdon.witness import Witness


@dataclass(frozen=True)
class ByDifficulty:
    least: int = 4
    most: int = 12
    decay: float = 1.0

    def __call__(self, success: Tensor, chosen: Tensor, total: int) -> Tensor:
        checked(self, len(chosen), total)
        tried = (~success.isnan()).nonzero().squeeze(-1)
        order = tried[torch.argsort(-success[tried], stable=True)]
        rank = torch.zeros(len(success), dtype=torch.float64)
        rank[order] = torch.arange(len(order), dtype=torch.float64) / max(len(order), 1)
        own = rank[chosen]
        share = own / own.sum() if own.sum() > 0 else torch.full_like(own, 1 / max(len(own), 1))
        wanted = self.least + ((total - self.least * len(own)) * share + 1e-9).floor().long()
        return filled(wanted.clamp(max=self.most), torch.argsort(-own, stable=True), self.most, total)


_given = {"success": torch.tensor([1.0, 0.0, 0.5, float("nan")]), "chosen": torch.tensor([0, 1, 2, 3]), "total": 32}
witness = (  # ranks 0, 2/3, 1/3, 0: of 16 answers above the least ones 10 and 5, and what is left to the highest
    Witness(ByDifficulty(most=16), given=_given, returns=[4, 15, 9, 4]),
    Witness(ByDifficulty(), parent=ByDifficulty(most=16), given=_given, returns=[4, 12, 12, 4]),
    Witness(ByDifficulty(least=6, most=16), parent=ByDifficulty(most=16), given=_given, returns=[6, 12, 8, 6]),
)
