"""Each reward: every reward is compared by itself, and what they say is added up.

    x         = sum over rewards k of weights_k * advantage(component_k)
    advantage = (x - mean of x) / (std of x + epsilon)        over the sequences of the batch (unbiased); 0 where all are equal; [B, T], without unit

A group in which two rewards differ is told apart by both. Their sum, divided by its own deviation, would make answers alike that got the
one and those that got the other, and a reward with a large spread would drown one with a small spread, whatever their weights. ``weights``
are by the rewards' names, and those that are not named have no part; none named: all of them, with 1. A reward that does not apply to a
sample (NaN) says nothing of it and is not in the group's statistics. ``batch=False`` leaves out the second normalisation.

Source: GDPO, arXiv 2601.05242, and its authors' code, which normalises over the batch's tokens; ``epsilon`` 1e-4 (theirs 1e-6), sequences, and the
unbiased deviation: TRL (``multi_objective_aggregation:
normalize_then_sum``). NeMo-RL's ``gdpo`` is ``EachReward(LeaveOneOut(OthersDeviation()), epsilon=0)``.
Differs from GroupCentred: of several rewards, each has its own mean and deviation. It reads the rewards as they were before they were
combined, shaped, or lessened by a penalty.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from guerdon.catalogue import unknown
from guerdon.credit.advantages import Advantage
from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.errors import InputError
from guerdon.parts import call, needs, wants
from guerdon.quantities import BT, Mask
from guerdon.steps import average, clean
from guerdon.witness import Limit, Witness

_PREFIX = "component_"


@dataclass(frozen=True)
class EachReward:
    advantage: Advantage = GroupCentred()
    weights: Mapping[str, float] = field(default_factory=dict)
    batch: bool = True
    epsilon: float = 1e-4

    @property
    def per_batch(self) -> bool:
        """Whether other groups of the batch matter."""
        return self.batch

    def needs(self) -> frozenset[str]:
        return (needs(self.advantage) - {"reward"}) | {"mask"} | {f"{_PREFIX}{name}" for name in self.weights}

    def wants(self) -> frozenset[str]:
        return wants(self.advantage) - {"reward"}

    def of(self, names: Sequence[str]) -> "EachReward":
        """The same, of the rewards that there are.

        Raises:
            InputError: a weight is of none of them.
        """
        for name in self.weights:
            if name not in names:
                raise InputError(unknown("reward in the weights of recipe.advantage", name, list(names)))
        return self if self.weights else replace(self, weights=dict.fromkeys(names, 1.0))

    def __call__(self, mask: Mask, **quantities: Tensor) -> BT:
        if not self.weights:
            raise InputError("each_reward compares rewards by themselves and was told of none: name them in weights")
        parts = [weight * self._of_one(quantities[f"{_PREFIX}{name}"], mask, quantities) for name, weight in self.weights.items()]
        x = torch.stack(parts).sum(0)
        if not self.batch or not x.numel():
            return clean(x, mask)
        each = average(x, mask)
        mean, count = each.mean(), len(each)
        deviation = ((each - mean).square().sum() / max(count - 1, 1)).sqrt()
        if not bool(deviation > 1e-6 * x.abs().amax().clamp(min=math.ulp(1.0))):  # the rounding noise of equal numbers is no spread
            return torch.zeros_like(x)
        return clean((x - mean) / (deviation + self.epsilon), mask)

    def _of_one(self, reward: Tensor, mask: Mask, quantities: Mapping[str, Tensor]) -> BT:
        known = ~reward.isnan()
        out = reward.new_zeros(mask.shape)
        if known.any():
            rows = {name: value[known] for name, value in quantities.items()}
            out[known] = call(self.advantage, {**rows, "reward": reward[known], "mask": mask[known]}).to(out)
        return out


_nan = float("nan")
_two = {  # the sums are all 1
    "component_right": [1.0, 0.0, 1.0, 1.0],
    "component_short": [0.0, 1.0, 0.0, _nan],
    "reward": [1.0, 1.0, 1.0, 1.0],
    "group": [0, 0, 1, 1],
    "mask": [[1, 1], [1, 0], [1, 1], [1, 1]],
}
_plain = GroupCentred(scale=None)
witness = (
    Witness(  # 1/2, -1/2, 0, 0: mean 0, squares 1/2 over 3
        EachReward(_plain, {"right": 2.0, "short": 1.0}, epsilon=0.0),
        parent=EachReward(_plain, {"right": 2.0, "short": 1.0}, batch=False),
        given=_two,
        returns=[[1.5**0.5, 1.5**0.5], [-(1.5**0.5), 0.0], [0.0, 0.0], [0.0, 0.0]],
    ),
    Witness(  # right says 1/2, -1/2, 0, 0; short says -1/2, 1/2, and of a single answer nothing
        EachReward(_plain, {"right": 2.0, "short": 1.0}, batch=False),
        parent=GroupCentred(),
        given=_two,
        returns=[[0.5, 0.5], [-0.5, 0.0], [0.0, 0.0], [0.0, 0.0]],
    ),
    Witness(
        EachReward(_plain, {"right": 1.0}, batch=False),
        parent=EachReward(_plain, {"right": 1.0, "short": 1.0}, batch=False),
        given=_two,
        returns=[[0.5, 0.5], [-0.5, 0.0], [0.0, 0.0], [0.0, 0.0]],
    ),
)


def _the_reward(inputs: dict) -> dict:
    return inputs | {"reward": inputs["component_right"]}


limits = (
    Limit(EachReward(GroupCentred(), {"right": 1.0}, batch=False), equals=GroupCentred(), when="there is one reward", under=_the_reward),
)
