"""Surprise: fork where the step that was drawn was least expected.

    score_t = -old_logp_t        [B, T], in nats

Source: TreeRL, arXiv 2506.11902 (EPTree), whose entropy of a token is this, in its authors' code too (``get_max_entropy_tokens``). It keeps away from what follows the
words "answer" and "conclusion", which is left out here.
"""

from dataclasses import dataclass

import torch

from guerdon.quantities import BT, Mask
from guerdon.witness import Witness


@dataclass(frozen=True)
class Surprise:
    def __call__(self, old_logp: BT, mask: Mask) -> BT:
        return torch.where(mask, -old_logp, -torch.inf)


witness = Witness(
    Surprise(),
    given={"old_logp": torch.tensor([[-1.0, -3.0, -2.0]]), "mask": torch.tensor([[True, True, False]])},
    returns=[[1.0, 3.0, -torch.inf]],
)
