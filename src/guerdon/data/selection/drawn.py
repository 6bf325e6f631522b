"""Drawn: what was drawn by chance is learned from; the greedy completions beside it were there to compare with.

    keep = not greedy        [B]

In ``recipe.learned``: in ``recipe.selection`` the greedy ones would be gone before anything is compared with them.

Source: ReMax, arXiv 2310.10505: the gradient is that of the drawn completion alone.
Differs from Overlong: looks at how a sequence was made and not at how it ended.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from guerdon.data.selection.overlong import Overlong
from guerdon.quantities import B
from guerdon.witness import Witness


@dataclass(frozen=True)
class Drawn:
    def __call__(self, greedy: B) -> Tensor:
        return ~greedy.bool()


witness = Witness(Drawn(), parent=Overlong(), given={"greedy": torch.tensor([0.0, 1.0, 0.0])}, returns=[1, 0, 1])
