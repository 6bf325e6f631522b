"""Borders: fork where segments begin.

    score_t = 0 at the first acted step of each segment, else -inf        [B, T]

``segments`` is any of ``credit.segments`` that reads what is known while sampling goes on (``every_n``, ``after_actions``, ``turns``, ``after_uncertain``). ``first``: also
before the first step of all, which makes one more answer of the prompt.

Source: VinePPO, arXiv 2410.01679, and SPO, arXiv 2505.23564, which estimate the policy's value where reasoning steps and segments begin.
Differs from Surprise: where is forked is known beforehand, which estimates without bias need.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from guerdon.acting.forks.surprise import Surprise
from guerdon.credit.segments import Segmenting
from guerdon.credit.segments._starts import before, last_acted
from guerdon.credit.segments.every_n import EveryN
from guerdon.parts import call, needs, wants
from guerdon.quantities import BT, Mask
from guerdon.witness import Witness


@dataclass(frozen=True)
class Borders:
    segments: Segmenting = EveryN()
    first: bool = False

    def needs(self) -> frozenset[str]:
        return needs(self.segments) | {"mask"}

    def wants(self) -> frozenset[str]:
        return wants(self.segments)

    def __call__(self, mask: Mask, **quantities: Tensor) -> BT:
        segment = call(self.segments, {**quantities, "mask": mask})
        begins = mask & (segment != last_acted(segment, mask))
        if self.first:
            begins = begins | (mask & (before(mask) == 0))
        return torch.where(begins, 0.0, -torch.inf)


_given = {"mask": torch.tensor([[True, True, False, True, True, False]])}
witness = (
    Witness(Borders(EveryN(2)), parent=Surprise(), given=_given, returns=[[-torch.inf] * 3 + [0.0] + [-torch.inf] * 2]),
    Witness(
        Borders(EveryN(2), first=True),
        parent=Borders(EveryN(2)),
        given=_given,
        returns=[[0.0, -torch.inf, -torch.inf, 0.0, -torch.inf, -torch.inf]],
    ),
    Witness(Borders(EveryN(3)), parent=Borders(EveryN(2)), given=_given, returns=[[-torch.inf] * 4 + [0.0] + [-torch.inf]]),
)
