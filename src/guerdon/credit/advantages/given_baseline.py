"""Given baseline: how much better than what is expected of the prompt, which the data say.

    advantage = reward - the row's number in ``column``        the same number at each acted step; [B, T], in units of reward

What another policy was seen to reach on a prompt, before training or by a reference from time to time, is a baseline that costs no bias,
needs no group, and says something of groups that are always right or always wrong. It grows stale as the policy improves, and its variance
with that.

Source: PVPO, arXiv 2508.21104: A = r - mean(r_ref), with the mean reward of the reference model's rollouts on the prompt; it lets the
reference follow every so many steps, which is a new column.
Differs from FixedBaseline: a number for each prompt.
"""

from dataclasses import dataclass

from torch import Tensor

from guerdon.credit.advantages.fixed_baseline import FixedBaseline
from guerdon.quantities import BT, B, Mask
from guerdon.steps import spread
from guerdon.witness import Witness


@dataclass(frozen=True)
class GivenBaseline:
    column: str = "expected_reward"

    def needs(self) -> frozenset[str]:
        return frozenset({"reward", "mask", self.column})

    def wants(self) -> frozenset[str]:
        return frozenset()

    def __call__(self, reward: B, mask: Mask, **quantities: Tensor) -> BT:
        return spread(reward - quantities[self.column].to(reward), mask)


_solved = {"reward": [1.0, 0.0], "expected_reward": [0.25, 0.75], "easy": [1.0, 1.0], "mask": [[1, 1], [1, 0]]}
witness = (
    Witness(GivenBaseline(), parent=FixedBaseline(), given=_solved, returns=[[0.75, 0.75], [-0.75, 0.0]]),
    Witness(GivenBaseline("easy"), parent=GivenBaseline(), given=_solved, returns=[[0.0, 0.0], [-1.0, 0.0]]),
)
