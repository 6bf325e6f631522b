"""Above the group: a bonus for the right answers whose conclusion follows from their reasoning at least as well as in the other right answers to the prompt.

    right  = component > least  and  component >= its mean over the group
    reward = component    where right and min(of, at_most) >= mean of min(of, at_most) over the right ones of the group - margin        [B]
             0            elsewhere

``component`` is the one called ``among``, a reward of the same recipe; "" counts every answer as right and worth 1. ``of`` says how well a conclusion
follows: how likely it is, after the
reasoning, to a copy of the policy that moves slowly. The bonus' size does not depend on how large likelihoods are.

Source: GRPO-CARE, Chen et al. 2025, arXiv 2506.16141, and its authors' code (``grpo_trainer_ref_ema.py``): the geometric mean of the
answer's token probabilities under a moving average
of the policy, ``least`` 0.1; there margin and upper bound are optional, and none by default.
Differs from Likelihood: relative to the others that are right, and nothing for who is wrong.
"""

from dataclasses import dataclass
from typing import Any

import torch

from guerdon.feedback.intrinsic import Intrinsic
from guerdon.feedback.intrinsic.likelihood import Likelihood
from guerdon.feedback.recasting import Recasting
from guerdon.feedback.recasting.own_conclusion import OwnConclusion
from guerdon.parts import call, needs
from guerdon.quantities import B, Group
from guerdon.steps import group_sum
from guerdon.witness import Witness


@dataclass(frozen=True)
class AboveGroup:
    of: Intrinsic = Likelihood(OwnConclusion(), by="ema", over="geometric")
    among: str = ""
    margin: float = 0.0
    at_most: float = 1.0
    least: float = 0.1

    def __call__(self, group: Group, **quantities: Any) -> B:
        there = quantities["mask"].any(-1)
        value = torch.where(there, call(self.of, quantities), 0.0).clamp(max=self.at_most)
        worth = quantities[f"component_{self.among}"].nan_to_num(nan=0.0).to(value.dtype) if self.among else torch.ones_like(value)
        right = there & (worth > self.least) & (worth >= _mean(worth, torch.ones_like(worth), group))
        sure = value >= _mean(value, right.to(value.dtype), group) - self.margin
        return torch.where(right & sure, worth, 0.0)

    @property
    def recast(self) -> Recasting | None:
        return self.of.recast

    @property
    def by(self) -> str:
        return self.of.by

    def needs(self) -> frozenset[str]:
        return needs(self.of) | {"group"} | ({f"component_{self.among}"} if self.among else frozenset())


def _mean(values: B, counted: B, group: Group) -> B:
    """The mean over the counted sequences of each group."""
    return group_sum(values * counted, group) / group_sum(counted, group).clamp(min=1)


LN2 = 0.6931471805599453
_plain = Likelihood(over="token")
_given = {"logp": [[-LN2], [-2 * LN2], [-3 * LN2], [-9.0]], "mask": [[1], [1], [1], [0]], "group": [0, 0, 1, 1]}
_judged = {"logp": [[-LN2], [-2 * LN2], [0.0]], "mask": [[1], [1], [1]], "group": [0, 0, 0], "component_match": [1.0, 1.0, 0.0]}
witness = (
    Witness(AboveGroup(_plain), parent=_plain, given=_given, returns=[1.0, 0.0, 1.0, 0.0]),
    Witness(AboveGroup(_plain, "match"), parent=AboveGroup(_plain), given=_judged, returns=[1.0, 0.0, 0.0]),  # 1/2 and 1/4 against 3/8
    Witness(AboveGroup(_plain, "match", margin=0.125), parent=AboveGroup(_plain, "match"), given=_judged, returns=[1.0, 1.0, 0.0]),
    Witness(AboveGroup(_plain, "match", at_most=0.25), parent=AboveGroup(_plain, "match"), given=_judged, returns=[1.0, 1.0, 0.0]),
    Witness(AboveGroup(_plain, "match", least=1.0), parent=AboveGroup(_plain, "match"), given=_judged, returns=[0.0, 0.0, 0.0]),
)
