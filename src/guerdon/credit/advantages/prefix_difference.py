"""Prefix difference: the answers to a prompt begin alike and then part; where they do, each is told how much better its way turned out.

    V(s)        = mean reward of the group's sequences that begin with s        s: all that was said before a step
    advantage_t = (outcome * (reward - mean of the group) + V(s_(t+1)) - V(s_t)) / scale        [B, T]

The completions of a group are a trie without anybody having forked them. Where only one of them goes on, V does not change and the advantage is the group-centred one; where
they part, each branch is credited with what those behind it earned. ``outcome`` 0 leaves the differences alone: of a sequence they sum to its reward less the group's mean.

Source: TEMPO, arXiv 2509.18314, the prefix-to-tree values and the advantage as its authors' code has them (``compute_tempo_outcome_advantage``): ``outcome`` 1, and both
parts divided by the deviation of the group, as in GRPO, to which 1e-6 is added there.
Differs from GroupCentred: steps of one sequence differ, at the tokens at which the group parts. Answers that part at their first token are told nothing new.
"""

from dataclasses import dataclass
from typing import ClassVar

from guerdon.credit.advantages._tries import beginnings, mean_of_each
from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.credit.scales import Scale
from guerdon.credit.scales.group_deviation import GroupDeviation
from guerdon.quantities import BT, B, Group, Mask, Segment
from guerdon.steps import clean, divided, group_mean
from guerdon.witness import Witness


@dataclass(frozen=True)
class PrefixDifference:
    members: ClassVar[int] = 2

    outcome: float = 1.0
    scale: Scale | None = GroupDeviation()

    def __call__(self, reward: B, action: Segment, group: Group, mask: Mask) -> BT:
        value = mean_of_each(reward, beginnings(action, group, mask))
        gained = (value[:, 1:] - value[:, :-1]) + self.outcome * (reward - group_mean(reward, group)).unsqueeze(-1)
        if self.scale is not None:
            gained = divided(gained, self.scale(reward, group).unsqueeze(-1))
        return clean(gained, mask)


_four = {  # 0 -> {00: 4, 01: 0}, 1 -> {1: 2}; another prompt
    "reward": [4.0, 0.0, 3.0, 5.0],
    "action": [[0, 0, 7], [0, 1, 7], [1, 9, 9], [0, 0, 0]],
    "group": [0, 0, 0, 1],
    "mask": [[1, 1, 0], [1, 1, 0], [1, 0, 0], [1, 1, 1]],
}
witness = (
    Witness(
        PrefixDifference(outcome=0.0, scale=None),
        parent=GroupCentred(scale=None),
        given=_four,
        returns=[[-1 / 3, 2.0, 0.0], [-1 / 3, -2.0, 0.0], [2 / 3, 0.0, 0.0], [0.0, 0.0, 0.0]],
    ),
    Witness(
        PrefixDifference(scale=None),
        parent=PrefixDifference(outcome=0.0, scale=None),
        given=_four,
        returns=[[4 / 3, 11 / 3, 0.0], [-8 / 3, -13 / 3, 0.0], [4 / 3, 0.0, 0.0], [0.0, 0.0, 0.0]],
    ),
    Witness(
        PrefixDifference(outcome=0.0, scale=GroupDeviation(epsilon=0.0, correction=0)),
        parent=PrefixDifference(outcome=0.0, scale=None),
        given={"reward": [2.0, -2.0], "action": [[0, 0], [0, 1]], "group": [0, 0], "mask": [[1, 1], [1, 1]]},
        returns=[[0.0, 1.0], [0.0, -1.0]],
    ),
)
