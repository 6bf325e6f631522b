"""Fewest calls: of the right answers to a prompt, those with the fewest calls get a bonus, larger where the group differs in how often it calls.

    bonus  = min(scale * deviation, most)      for a right answer with the least calls among the right ones of its group; 0 elsewhere
    reward + bonus        [B];   deviation: of the calls over the right answers of the group, the population's

Right is a reward of ``threshold`` or more; ``calls`` is the component ``component_calls``, which should weigh 0 in the sum. Where all call as often nothing is paid, so that no
bonus is to be had where calls are needed.

Source: R1-Searcher++, arXiv 2505.17005, the reward for internal knowledge: a factor of the deviation, bounded, for the answer that is right with the fewest calls. The paper's
numbers were not to be had: ``scale`` 2.0 and ``most`` 0.5 are ours.
Differs from ShortestRight: calls and not length, a bonus for the least and no penalty for the rest.
"""

from dataclasses import dataclass

import torch

from guerdon.feedback.shaping.shortest_right import ShortestRight
from guerdon.quantities import B, Group
from guerdon.steps import group_extreme, group_sum, root
from guerdon.thresholds import reaches
from guerdon.witness import Witness


@dataclass(frozen=True)
class FewestCalls:
    scale: float = 2.0
    most: float = 0.5
    threshold: float = 0.5

    def __call__(self, reward: B, group: Group, component_calls: B) -> B:
        right = reaches(reward, self.threshold)
        calls = torch.where(right, component_calls.to(reward), torch.zeros_like(reward))
        many = group_sum(right.to(reward), group).clamp(min=1)
        mean = group_sum(calls, group) / many
        spread = root(group_sum(torch.where(right, (calls - mean).square(), torch.zeros_like(reward)), group) / many)
        least = group_extreme(torch.where(right, calls, torch.inf), group, "amin")
        return reward + torch.where(right & (calls == least), (self.scale * spread).clamp(max=self.most), torch.zeros_like(reward))


# of the first group's three right answers one calls once and two four times: mean 3, deviation sqrt 2; the wrong one, without calls, counts for nothing
_given = {
    "reward": [1.0, 1.0, 0.0, 1.0, 1.0],
    "component_calls": [1.0, 4.0, 0.0, 4.0, 2.0],
    "length": [1.0, 4.0, 0.0, 4.0, 2.0],
    "group": [0, 0, 0, 0, 1],
}
witness = (
    Witness(FewestCalls(most=9.0), parent=ShortestRight(), given=_given, returns=[1 + 2 * 2**0.5, 1.0, 0.0, 1.0, 1.0]),
    Witness(FewestCalls(), parent=FewestCalls(most=9.0), given=_given, returns=[1.5, 1.0, 0.0, 1.0, 1.0]),
    Witness(FewestCalls(scale=1.0, most=9.0), parent=FewestCalls(most=9.0), given=_given, returns=[1 + 2**0.5, 1.0, 0.0, 1.0, 1.0]),
    Witness(  # then all are right, and the least calls are none: mean 9/4
        FewestCalls(most=9.0, threshold=0.0),
        parent=FewestCalls(most=9.0),
        given=_given,
        returns=[1.0, 1.0, 2 * (51 / 16) ** 0.5, 1.0, 1.0],
    ),
)
