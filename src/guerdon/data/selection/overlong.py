"""Overlong: answers that were cut off at the length limit are dropped, since nobody knows whether they would have been right.

    keep = terminated        [B]

Source: overlong filtering of DAPO, arXiv 2503.14476, section 3.4 (the loss of cut-off samples is masked).
Differs from ZeroVariance: looks at how a sequence ended and not at its reward. Dropping after the advantage is computed leaves the baseline as it
was; dropping before takes the cut-off answers out of it too. The paper masks the loss: after.
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
