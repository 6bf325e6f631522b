"""After actions: some actions end a segment, as the token of a new line ends a reasoning step.

    a segment begins at each acted step that follows one of ``actions``        [B, T]

Source: ours; reasoning steps that end with a delimiter, as VinePPO has them, arXiv 2410.01679. What several tokens may spell is cut by ``after_text``.
Differs from EveryN: what was done decides where it is cut, so that segments differ in length.
"""

from dataclasses import dataclass

import torch

from guerdon.credit.segments._starts import last_acted, numbered
from guerdon.credit.segments.every_n import EveryN
from guerdon.quantities import Mask, Segment
from guerdon.witness import Witness


@dataclass(frozen=True)
class AfterActions:
    actions: tuple[int, ...]

    def __call__(self, action: Segment, mask: Mask) -> Segment:
        ends = torch.isin(action, torch.tensor(self.actions, dtype=torch.long, device=action.device))
        return numbered(last_acted(ends, mask), mask)


_said = {"action": [[7, 1, 7, 7, 2, 3], [1, 1, 1, 7, 9, 9]], "mask": [[1, 1, 1, 1, 1, 0], [1, 1, 1, 1, 0, 1]]}
witness = (
    Witness(AfterActions(actions=(7,)), parent=EveryN(n=2), given=_said, returns=[[0, 1, 1, 2, 3, 3], [0, 0, 0, 0, 0, 1]]),
    Witness(AfterActions(actions=(1, 7)), parent=AfterActions(actions=(7,)), given=_said, returns=[[0, 1, 2, 3, 4, 4], [0, 1, 2, 3, 3, 4]]),
)
