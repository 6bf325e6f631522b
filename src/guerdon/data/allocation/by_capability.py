"""By capability: prompts that are solved get fewer answers, and what they do not take is not drawn at all.

    answers = max(least, ceil((1 - success) * n)),   n = ``num_generations``        a prompt that was never tried gets n

Nobody gets more for it: the answers of a step are at most ``num_generations`` for each prompt, and ever fewer as the policy learns. A reward above 1 or below 0 counts as 1 or 0.

Source: dynamic sampling of ESRL, arXiv 2308.02223, of which the abstract could be read: that the number of samples follows an estimate of what the model can do. Its
formulas could not be looked up; the line between n and ``least``, and success as the estimate, are ours. Its code for language models drops the 30 % of a batch of
which the model is surest instead. ``decay`` 0.5, so that the last attempt counts twice as much as the one before, and ``least`` 2: ours.
Differs from ByDifficulty: the total falls.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from guerdon.data.allocation.by_difficulty import ByDifficulty
from guerdon.errors import InputError
from guerdon.witness import Witness


@dataclass(frozen=True)
class ByCapability:
    least: int = 2
    decay: float = 0.5

    def __call__(self, success: Tensor, chosen: Tensor, total: int) -> Tensor:
        each = total // max(len(chosen), 1)
        if not 0 < self.least <= each:
            raise InputError(
                f"by_capability: least is {self.least} and num_generations {each}; every prompt gets 1 answer or more, and at most num_generations"
            )
        lacking = 1 - torch.nan_to_num(success[chosen].double(), nan=0.0).clamp(0, 1)
        return (lacking * each - 1e-9).ceil().long().clamp(min=self.least)


_given = {"success": torch.tensor([1.0, 0.0, 0.6, float("nan")]), "chosen": torch.tensor([0, 1, 2, 3]), "total": 32}
witness = (
    Witness(ByCapability(), parent=ByDifficulty(), given=_given, returns=[2, 8, 4, 8]),
    Witness(ByCapability(least=5), parent=ByCapability(), given=_given, returns=[5, 8, 5, 8]),
)
