"""Per actor: another advantage, in which an answer is compared only with those of the same actor.

    group -> the sequences of one group that one actor drew        and ``advantage`` of that

Where several roles answer, a proposer and its solvers or the agents of a team, their rewards lie on scales of their own; a mean over all of
them would credit a role for what it is. What a role shares with itself is left to compare. An actor who answered once in a group has nobody
to be compared with.

Source: hierarchical GRPO as prime-rl has it (``hierarchical_grpo.py``): solvers are compared within their episode, which is the ``group``
here, and proposers across the episodes of theirs; normalising by each agent's own mean and deviation: Dr. MAS, arXiv 2602.08847.
Differs from GroupCentred: of the answers to one prompt, those of other actors do not count.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from guerdon.credit.advantages import Advantage
from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.parts import call, needs, wants
from guerdon.quantities import BT, Group
from guerdon.witness import Limit, Witness


@dataclass(frozen=True)
class PerActor:
    advantage: Advantage = GroupCentred()

    def needs(self) -> frozenset[str]:
        return needs(self.advantage) | {"actor", "group"}

    def wants(self) -> frozenset[str]:
        return wants(self.advantage)

    def __call__(self, actor: Group, group: Group, **quantities: Tensor) -> BT:
        _, apart = torch.unique(torch.stack([group, actor.to(group)]), dim=1, return_inverse=True)
        return call(self.advantage, {**quantities, "actor": actor, "group": apart})


witness = Witness(
    PerActor(GroupCentred(scale=None)),
    parent=GroupCentred(scale=None),
    given={"reward": [0.0, 2.0, 5.0, 5.0], "group": [0, 0, 0, 0], "actor": [0, 0, 1, 1], "mask": [[1]] * 4},
    returns=[[-1.0], [1.0], [0.0], [0.0]],
)


def _alone(inputs: dict) -> dict:
    return inputs | {"actor": torch.zeros_like(inputs["actor"])}


limits = (Limit(PerActor(), equals=GroupCentred(), when="there is one actor", under=_alone),)
