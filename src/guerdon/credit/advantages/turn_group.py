"""Turn group: a reward of the first turn counts where it was earned, the outcome everywhere.

    advantage = A(outcome) + weight * A(turn) in the segment 0,   A(outcome) after it        [B, T], without unit
    A(x) = (x - mean of the group) / scale        over the sequences of a group

``turn`` and ``outcome`` name reward components of a sequence: what its first turn earned (a tool that ran, a document that was found) and what all of it earned in the end.
``segment`` is to say turns (``segments: turns``). Where a sequence has one turn only, the whole of it is credited with both, as one that never called for help.

Source: MT-GRPO, arXiv 2505.11821: the advantages of two turns with ``weight`` 1 (its lambda), and its authors' code, ``mt_grpo_env_trainer.py`` ("aae"); there a
sequence without a tool's result gets the group-centred sum of both rewards, which is this up to the scale.
Differs from GroupCentred: the answer's tokens are not praised for what the question's earned.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.credit.advantages.segment_gae import pieces
from guerdon.credit.scales import Scale
from guerdon.credit.scales.group_deviation import GroupDeviation
from guerdon.quantities import BT, Group, Mask, Segment
from guerdon.witness import Witness


@dataclass(frozen=True)
class TurnGroup:
    members: ClassVar[int] = 2

    turn: str = "turn"
    outcome: str = "outcome"
    weight: float = 1.0
    scale: Scale | None = GroupDeviation()

    def needs(self) -> frozenset[str]:
        return frozenset({f"component_{self.turn}", f"component_{self.outcome}", "segment", "group", "mask"})

    def __call__(self, segment: Segment, group: Group, mask: Mask, **components: Tensor) -> BT:
        centred = GroupCentred(self.scale)
        turn = centred(components[f"component_{self.turn}"], group, mask)
        outcome = centred(components[f"component_{self.outcome}"], group, mask)
        first = pieces(segment, mask)[0] == 0
        return outcome + torch.where(first, self.weight * turn, torch.zeros_like(turn))


_two_turns = {
    "component_turn": [1.0, 0.0],
    "component_outcome": [0.0, 4.0],
    "segment": [[0, 0, 1], [0, 1, 1]],
    "group": [0, 0],
    "mask": [[1, 0, 1], [1, 1, 0]],
}
witness = (
    Witness(
        TurnGroup(scale=None),
        parent=GroupCentred(scale=None),
        given=_two_turns,
        returns=[[-1.5, 0.0, -2.0], [1.5, 2.0, 0.0]],
    ),
    Witness(
        TurnGroup(weight=2.0, scale=None), parent=TurnGroup(scale=None), given=_two_turns, returns=[[-1.0, 0.0, -2.0], [1.0, 2.0, 0.0]]
    ),
    Witness(
        TurnGroup(scale=GroupDeviation(epsilon=0.0, correction=0)),
        parent=TurnGroup(scale=None),
        given=_two_turns,
        returns=[[0.0, 0.0, -1.0], [0.0, 1.0, 0.0]],
    ),
    Witness(
        TurnGroup(turn="outcome", outcome="turn", scale=None),
        parent=TurnGroup(scale=None),
        given=_two_turns,
        returns=[[-1.5, 0.0, 0.5], [1.5, -0.5, 0.0]],
    ),
)
