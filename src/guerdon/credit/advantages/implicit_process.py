"""Implicit process: each step is paid what a model of outcomes says it is worth, beside what the outcome earns.

    r_t         = beta * (prm_logp_t - ref_logp_t)                          the implicit process reward of a step
    lead_t      = n / (n - 1) * (r_t - mean over the group's n answers of the mean of r over their steps)       0 where n is 1
    advantage_t = weight * sum over acted steps s >= t of gamma^(acted steps from t to s) * lead_s  + that of ``besides``        [B, T], in units of reward

``prm`` is a model that was trained so that beta times its log-ratio to the reference, summed over an answer, is the log-odds that it is
right: a learner of the recipe (``losses.by_outcome``), or a frozen view. It is asked before the gradient steps on the answers, so of what it
has learned from the batches before.

Source: PRIME, arXiv 2502.01456, and its authors' code (verl, ``recipe/prime/prime_core_algos.py``), with ``besides`` leave-one-out: each
source of reward has a baseline of its own, and their returns are added. ``beta`` 0.05 (``beta_train``), ``gamma`` 1. There the last step has
no process reward, those of a batch are divided by its largest return, both parts are weighed by 5, and the sum is whitened
(``BatchNormalised`` around this).
Differs from TeacherLogRatio: the model is held to the reference and not to who acted, and what is usual in the group is taken off, step by step.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from guerdon.credit.advantages import Advantage
from guerdon.credit.advantages.leave_one_out import LeaveOneOut
from guerdon.credit.advantages.return_to_go import ReturnToGo
from guerdon.credit.advantages.teacher_log_ratio import TeacherLogRatio
from guerdon.parts import call, needs, wants
from guerdon.quantities import BT, Group, Mask
from guerdon.steps import average, clean, group_mean, group_size
from guerdon.witness import Limit, Witness


@dataclass(frozen=True)
class ImplicitProcess:
    members: ClassVar[int] = 2

    beta: float = 0.05
    gamma: float = 1.0
    weight: float = 1.0
    besides: Advantage | None = LeaveOneOut()

    def needs(self) -> frozenset[str]:
        own = frozenset({"prm_logp", "ref_logp", "group", "mask"})
        return own if self.besides is None else own | needs(self.besides)

    def wants(self) -> frozenset[str]:
        return frozenset() if self.besides is None else wants(self.besides)

    def __call__(self, prm_logp: BT, ref_logp: BT, group: Group, mask: Mask, **quantities: Tensor) -> BT:
        paid = clean(self.beta * (prm_logp.detach() - ref_logp.detach()), mask)
        usual, n = average(paid, mask), group_size(group)
        share = torch.where(n > 1, n / (n - 1).clamp(min=1), 0.0).to(paid.dtype)
        lead = clean(share.unsqueeze(-1) * (paid - group_mean(usual, group).unsqueeze(-1)), mask)
        advantage = self.weight * ReturnToGo(self.gamma)(lead, mask)
        if self.besides is None:
            return advantage
        told = {"prm_logp": prm_logp, "ref_logp": ref_logp, "group": group, "mask": mask}
        return advantage + call(self.besides, {**quantities, **told})


_two = {  # with beta 1 process rewards 1, 3 and, with a step that is not acted between, 2, 0; means 2 and 1
    "prm_logp": [[-1.0, -1.0, 9.0], [-1.0, 7.0, -2.0]],
    "ref_logp": [[-2.0, -4.0, 0.0], [-3.0, 0.0, -2.0]],
    "old_logp": [[-2.0, -4.0, 0.0], [-3.0, 0.0, -2.0]],
    "teacher_logp": [[-1.0, -1.0, 9.0], [-1.0, 7.0, -2.0]],
    "group": [0, 0],
    "mask": [[1, 1, 0], [1, 0, 1]],
    "reward": [1.0, 0.0],
}
_alone = ImplicitProcess(beta=1.0, besides=None)
witness = (
    Witness(_alone, parent=TeacherLogRatio(gamma=1.0), given=_two, returns=[[2.0, 3.0, 0.0], [-2.0, 0.0, -3.0]]),
    Witness(ImplicitProcess(beta=0.5, besides=None), parent=_alone, given=_two, returns=[[1.0, 1.5, 0.0], [-1.0, 0.0, -1.5]]),
    Witness(ImplicitProcess(beta=1.0, gamma=0.5, besides=None), parent=_alone, given=_two, returns=[[0.5, 3.0, 0.0], [-0.5, 0.0, -3.0]]),
    Witness(ImplicitProcess(beta=1.0, weight=2.0, besides=None), parent=_alone, given=_two, returns=[[4.0, 6.0, 0.0], [-4.0, 0.0, -6.0]]),
    Witness(ImplicitProcess(beta=1.0), parent=_alone, given=_two, returns=[[3.0, 4.0, 0.0], [-3.0, 0.0, -4.0]]),
)


def _untaught(inputs: dict) -> dict:
    return inputs | {"prm_logp": inputs["ref_logp"].clone()}


limits = (Limit(ImplicitProcess(), equals=LeaveOneOut(), when="the model has learned nothing yet", under=_untaught),)
