"""Teacher's log-ratio: a step was good as far as the teacher would have taken it more likely than who took it.

    lead_t      = teacher_logp_t - old_logp_t                                            nats; its expectation under who acted is -KL(old || teacher) of the step
    advantage_t = weight * sum over acted steps s >= t of gamma^(acted steps from t to s) * lead_s  (+ that of ``besides``)        [B, T]

With ``gamma`` 0, the default, each step is held to the teacher by itself, and the policy gradient is that of the reverse KL of every step at the
states that the policy reaches; what a step does to the KL of steps to come is left out. With 1 it is the gradient of the KL of whole answers, with
the noise of all that follows. What rewards say goes into ``besides``; alone, no reward is read.

Source: Thinking Machines Lab 2025, On-Policy Distillation (thinkingmachines.ai/blog/on-policy-distillation): advantage = -reverse KL of the sampled token,
discount 0; beside another advantage slime's ``--use-opd``, whose ``--opd-kl-coef`` is the ``weight`` (1 there too).
Differs from ReturnToGo: the teacher's word is in the place of a reward. MiniLLM (arXiv 2306.08543) is its gamma of 1, with the first step taken exactly.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from guerdon.credit.advantages import Advantage
from guerdon.credit.advantages.fixed_baseline import FixedBaseline
from guerdon.credit.advantages.return_to_go import ReturnToGo
from guerdon.parts import call, needs, wants
from guerdon.quantities import BT, Mask
from guerdon.witness import Limit, Witness


@dataclass(frozen=True)
class TeacherLogRatio:
    weight: float = 1.0
    gamma: float = 0.0
    besides: Advantage | None = None

    def needs(self) -> frozenset[str]:
        own = frozenset({"teacher_logp", "old_logp", "mask"})
        return own if self.besides is None else own | needs(self.besides)

    def wants(self) -> frozenset[str]:
        return frozenset() if self.besides is None else wants(self.besides)

    def __call__(self, teacher_logp: BT, old_logp: BT, mask: Mask, **quantities: Tensor) -> BT:
        lead = torch.where(mask, teacher_logp.detach() - old_logp.detach(), 0.0)
        advantage = self.weight * ReturnToGo(self.gamma)(lead, mask)
        if self.besides is None:
            return advantage
        return advantage + call(self.besides, {**quantities, "teacher_logp": teacher_logp, "old_logp": old_logp, "mask": mask})


_taught = {
    "teacher_logp": [[-1.0, 7.0, -3.0, -0.5]],
    "old_logp": [[-2.0, 0.0, -1.0, -0.5]],
    "mask": [[1, 0, 1, 1]],
    "step_reward": [[0.0, 0.0, 0.0, 1.0]],
    "reward": [1.0],
}
witness = (
    Witness(TeacherLogRatio(), parent=ReturnToGo(), given=_taught, returns=[[1.0, 0.0, -2.0, 0.0]]),
    Witness(TeacherLogRatio(gamma=0.5), parent=TeacherLogRatio(), given=_taught, returns=[[0.0, 0.0, -2.0, 0.0]]),
    Witness(TeacherLogRatio(weight=0.5), parent=TeacherLogRatio(), given=_taught, returns=[[0.5, 0.0, -1.0, 0.0]]),
    Witness(TeacherLogRatio(besides=FixedBaseline()), parent=TeacherLogRatio(), given=_taught, returns=[[1.5, 0.0, -1.5, 0.5]]),
)


def _rewarded(inputs: dict) -> dict:
    return inputs | {"step_reward": torch.where(inputs["mask"], inputs["teacher_logp"] - inputs["old_logp"], 0.0)}


limits = (Limit(TeacherLogRatio(gamma=1.0), equals=ReturnToGo(), when="what is rewarded is the teacher's lead", under=_rewarded),)
