"""Implicit steps: each turn or reasoning step is compared with all steps of its group by what a model of preferences says of it, beside what the outcome earns.

    r_s         = beta * sum over the acted tokens of step s of (prm_logp - old_logp)        the implicit reward of a step
    advantage_t = weight * (r_s - mean of r over all steps of the group's answers) / scale  + that of ``besides``        t in step s; [B, T]

``prm`` is a model that was trained to prefer the better answer of two by its log-ratio to the policy that drew them (``losses.pairwise`` with
``log_ratio_to_actor`` as a learner's term). ``segment`` says which step a token belongs to. ``scale``: False subtracts the mean only, True divides by
the deviation of the group's steps (the sample's, plus 1e-6). A group with a single step says nothing.

Source: OPRL (later iStar), arXiv 2509.19199, eq. of the step reward and of the advantage as its abstract and summaries give them, and its authors'
code (``istar/core_istar.py``, ``dp_rm.py``): ``beta`` 0.05, ``weight`` 1 (``step_advantage_w``), mean only (``mean_norm``). There the mean that is
subtracted is over one step of each answer, the first in the batch; here, as the comment above that function says, over all steps.
Differs from ImplicitProcess: steps and not tokens are paid, each for itself and not for what follows it, and the model is held to who acted.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn.functional import pad

from guerdon.credit.advantages import Advantage
from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.credit.advantages.implicit_process import ImplicitProcess
from guerdon.credit.advantages.segment_gae import per_piece, pieces
from guerdon.parts import call, needs, wants
from guerdon.quantities import BT, Group, Mask, Segment
from guerdon.steps import clean, divided, group_sum, root
from guerdon.witness import Limit, Witness


@dataclass(frozen=True)
class ImplicitSteps:
    members: ClassVar[int] = 2

    beta: float = 0.05
    weight: float = 1.0
    scale: bool = False
    besides: Advantage | None = GroupCentred(scale=None)

    def needs(self) -> frozenset[str]:
        own = frozenset({"prm_logp", "old_logp", "segment", "group", "mask"})
        return own if self.besides is None else own | needs(self.besides)

    def wants(self) -> frozenset[str]:
        return frozenset() if self.besides is None else wants(self.besides)

    def __call__(self, prm_logp: BT, old_logp: BT, segment: Segment, group: Group, mask: Mask, **quantities: Tensor) -> BT:
        paid = clean(self.beta * (prm_logp.detach() - old_logp.detach()), mask)
        piece = pieces(segment, mask)[0]
        reward, count = per_piece(paid, piece), pad(torch.where(mask, piece + 1, 0), (1, 0)).amax(-1)  # 0 where there are no steps
        there = torch.arange(mask.shape[1], device=mask.device) < count.unsqueeze(-1)
        n = group_sum(count.to(paid.dtype), group)
        mean = divided(group_sum(reward.sum(-1), group), n)
        above = clean(reward - mean.unsqueeze(-1), there & (n > 1).unsqueeze(-1))
        if self.scale:
            spread = root(group_sum(above.square().sum(-1), group) / (n - 1).clamp(min=1))
            above = divided(above, torch.where(spread > 0, spread + 1e-6, 0.0).unsqueeze(-1).expand_as(above))
        advantage = clean(self.weight * above.gather(1, piece), mask)
        if self.besides is None:
            return advantage
        told = {"prm_logp": prm_logp, "old_logp": old_logp, "segment": segment, "group": group, "mask": mask}
        return advantage + call(self.besides, {**quantities, **told})


_two = {  # steps of two tokens and of one, and one of one token: with beta 1 rewards 3, -1 and 4, of which the mean is 2
    "prm_logp": [[-1.0, -1.0, -3.0], [-1.0, 7.0, 9.0]],
    "old_logp": [[-2.0, -3.0, -2.0], [-5.0, 0.0, 0.0]],
    "ref_logp": [[-2.0, -3.0, -2.0], [-5.0, 0.0, 0.0]],
    "segment": [[0, 0, 1], [0, 0, 0]],
    "group": [0, 0],
    "mask": [[1, 1, 1], [1, 0, 0]],
    "reward": [1.0, 0.0],
}
_alone = ImplicitSteps(beta=1.0, besides=None)
witness = (
    Witness(_alone, parent=ImplicitProcess(beta=1.0, besides=None), given=_two, returns=[[1.0, 1.0, -3.0], [2.0, 0.0, 0.0]]),
    Witness(ImplicitSteps(beta=0.5, besides=None), parent=_alone, given=_two, returns=[[0.5, 0.5, -1.5], [1.0, 0.0, 0.0]]),
    Witness(ImplicitSteps(beta=1.0, weight=2.0, besides=None), parent=_alone, given=_two, returns=[[2.0, 2.0, -6.0], [4.0, 0.0, 0.0]]),
    Witness(  # the deviation is the root of (1 + 9 + 4) / 2
        ImplicitSteps(beta=1.0, scale=True, besides=None),
        parent=_alone,
        given=_two,
        returns=[[0.3779643, 0.3779643, -1.1338932], [0.7559288, 0.0, 0.0]],
    ),
    Witness(ImplicitSteps(beta=1.0), parent=_alone, given=_two, returns=[[1.5, 1.5, -2.5], [1.5, 0.0, 0.0]]),
)


def _untaught(inputs: dict) -> dict:
    return inputs | {"prm_logp": inputs["old_logp"].clone()}


limits = (Limit(ImplicitSteps(), equals=GroupCentred(scale=None), when="the model says what who acted says", under=_untaught),)
