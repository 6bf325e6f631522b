"""Overlong: answers that were cut off at the length limit are dropped, since nobody knows whether they would have been right.

    keep = terminated        [B]

Source: overlong filtering of DAPO, arXiv 2503.14476, section 3.4 (the loss of cut-off samples is masked).
Differs from ZeroVariance: looks at how a sequence ended and not at its reward. In ``recipe.learned`` the others were compared with it, as
in the paper, which masks the loss, and in TRL's ``mask_truncated_completions``; in ``recipe.selection`` it is gone before that.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from guerdon.data.selection.zero_variance import ZeroVariance
from guerdon.quantities import B
from guerdon.witness import Witness


@dataclass(frozen=True)
class Overlong:
    def __call__(self, terminated: B) -> Tensor:
        return terminated.bool()


witness = Witness(Overlong(), parent=ZeroVariance(), given={"terminated": torch.tensor([1.0, 0.0, 1.0])}, returns=[1, 0, 1])
