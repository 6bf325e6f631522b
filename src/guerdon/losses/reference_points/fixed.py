"""Fixed: the reference point is a number that is known.

    z = at        [B], in units of the score

Source: 0, the answer that the reference finds as likely as the policy: APO-zero for single verdicts, arXiv 2408.06266 (TRL's ``apo_zero_unpaired``). It is also
what another reference point becomes before a batch is split.
"""

from dataclasses import dataclass

import torch

from guerdon.quantities import B
from guerdon.witness import Witness


@dataclass(frozen=True)
class Fixed:
    at: float = 0.0

    def __call__(self, score: B) -> B:
        return torch.full_like(score, self.at)


witness = Witness(Fixed(at=0.5), given={"score": [2.0, -1.0]}, returns=[0.5, 0.5], gradient={"score": None})
