"""Attempt group: each attempt of a sequence is compared with the same attempt of the others of its group, by what it is paid.

    paid_k = (weight of the attempt) * r_k + progress * (r_k - r_{k-1})        the second term from the second attempt on; less the penalties of its steps
    G_k = paid_k + gamma * G_{k+1}
    advantage = (G_k - mean of G_k over the group) / scale of G_k        at the steps of attempt k; [B, T]

``r_k`` is ``attempt_reward``. ``earlier`` is the weight of all attempts of a sequence but its last, whose weight is 1: 1 pays every attempt, 0 what comes out in the end.
Means are over those of the group that made the attempt; where that is one alone it has no advantage. ``progress`` is shaping by the potential progress * r_k, paid to the attempt
that brought it: with ``gamma`` 0 a right answer is not blamed for the progress that it leaves no room for, so that being wrong first does not pay; with ``gamma`` 1 it is.

Source: SCoRE, arXiv 2409.12917: eq. 4 with the bonus alpha * (r_2 - r_1) of section 5.2, alpha 10 (its stage II; ``progress=10``), and eq. 3, stage I (``earlier=0, progress=0``).
There the gradient is REINFORCE's with a baseline; the mean of the group, and a scale, are choices here. Defaults: stage II without a bonus, each attempt with its own reward.
Differs from GroupCentred: an answer is not praised for what came of another one.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.credit.scales import Scale
from guerdon.quantities import BT, B, Group, Mask
from guerdon.steps import clean, divided, group_sum, on_last
from guerdon.witness import Witness


@dataclass(frozen=True)
class AttemptGroup:
    members: ClassVar[int] = 2

    earlier: float = 1.0
    progress: float = 0.0
    gamma: float = 0.0
    scale: Scale | None = None

    def __call__(self, attempt_reward: Tensor, attempt: Tensor, step_reward: BT, outcome: B, group: Group, mask: Mask) -> BT:
        made = ~attempt_reward.isnan()
        reward = attempt_reward.nan_to_num(0.0)
        later = made.sum(-1, keepdim=True) - 1 > torch.arange(made.shape[1], device=made.device)  # whether another attempt came after it
        paid = reward * torch.where(later, self.earlier, 1.0)
        paid[:, 1:] += self.progress * (reward[:, 1:] - reward[:, :-1])
        fined = clean(step_reward - on_last(outcome, mask), mask)
        advantage, following = torch.zeros_like(step_reward), torch.zeros_like(outcome)
        for k in reversed(range(reward.shape[1])):
            own = attempt == k
            following = torch.where(made[:, k], paid[:, k] + (fined * own).sum(-1) + self.gamma * following, 0.0)
            advantage = torch.where(own & mask, self._centred(following, made[:, k], group).unsqueeze(-1), advantage)
        return advantage

    def _centred(self, value: B, made: Tensor, group: Group) -> B:
        """Against those of the group that made the attempt; 0 for the others."""
        count = group_sum(made.to(value.dtype), group)
        centred = torch.where(made & (count > 1), value - group_sum(value, group) / count.clamp(min=1), 0.0)
        if self.scale is None:
            return centred
        scale = torch.zeros_like(value)
        scale[made] = self.scale(value[made], group[made])
        return divided(centred, scale)


_two = {  # the second sequence mends its answer, the third makes no second attempt; a fine of 1 on its first step
    "attempt_reward": [[1.0, 1.0], [0.0, 1.0], [0.5, float("nan")]],
    "attempt": [[0, 1, 1], [0, 1, 1], [0, 0, 0]],
    "step_reward": [[0.0, 0.0, 1.0], [0.0, 0.0, 1.0], [0.0, 0.5, 0.0]],
    "outcome": [1.0, 1.0, 0.5],
    "reward": [1.0, 1.0, 0.5],
    "group": [0, 0, 0],
    "mask": [[1, 0, 1], [1, 0, 1], [1, 1, 0]],
}
_fined = {**_two, "step_reward": [[0.0, 0.0, 1.0], [-1.0, 0.0, 1.0], [0.0, 0.5, 0.0]]}
witness = (
    Witness(AttemptGroup(), parent=GroupCentred(None), given=_two, returns=[[0.5, 0.0, 0.0], [-0.5, 0.0, 0.0], [0.0, 0.0, 0.0]]),
    Witness(AttemptGroup(progress=2.0), parent=AttemptGroup(), given=_two, returns=[[0.5, 0.0, -1.0], [-0.5, 0.0, 1.0], [0.0, 0.0, 0.0]]),
    Witness(
        AttemptGroup(earlier=0.0), parent=AttemptGroup(), given=_two, returns=[[-1 / 6, 0.0, 0.0], [-1 / 6, 0.0, 0.0], [1 / 3, 1 / 3, 0.0]]
    ),
    Witness(  # 1 + 1 + 0, 0 + 1 + 2, 0.5: their mean is 11/6
        AttemptGroup(progress=2.0, gamma=1.0),
        parent=AttemptGroup(progress=2.0),
        given=_two,
        returns=[[1 / 6, 0.0, -1.0], [7 / 6, 0.0, 1.0], [-4 / 3, -4 / 3, 0.0]],
    ),
    Witness(AttemptGroup(), parent=GroupCentred(None), given=_fined, returns=[[5 / 6, 0.0, 0.0], [-7 / 6, 0.0, 0.0], [1 / 3, 1 / 3, 0.0]]),
)
