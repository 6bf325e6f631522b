"""Of actor: all steps of the sequences that one of the sampler's actors drew.

    chosen = actor = ``actor``        [B, T], the same at all acted steps of a sequence

Who is which actor says the sampler: of ``refined`` 1 is whoever had been told.

Source: ours; the off-policy part of the objective of Critique-GRPO, arXiv 2506.03106.
Differs from Replayed: by who drew a sequence and not when. From OnActor: the average is over all steps.
"""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from guerdon.losses.choices.replayed import Replayed
from guerdon.quantities import Mask
from guerdon.steps import spread
from guerdon.witness import Witness


@dataclass(frozen=True)
class OfActor:
    per_batch: ClassVar[bool] = False

    actor: int = 1

    def __call__(self, actor: Tensor, mask: Mask) -> Mask:
        return spread((actor == self.actor).double(), mask) > 0


_given = {"actor": [1, 0, 2], "replayed": [0.0, 1.0, 0.0], "mask": [[1, 0], [1, 1], [1, 1]]}
witness = (
    Witness(OfActor(), parent=Replayed(), given=_given, returns=[[1, 0], [0, 0], [0, 0]]),
    Witness(OfActor(2), parent=OfActor(), given=_given, returns=[[0, 0], [0, 0], [1, 1]]),
)
