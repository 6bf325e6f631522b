"""Reward above: all steps of the sequences that succeeded.

    chosen = reward > bound        [B, T], the same at all acted steps of a sequence

It is the reward that credit reads, after combining and shaping and with what ``reward_penalties`` took from it.

Source: VAPO, arXiv 2504.05118, its loss on positive examples, whose likelihood is that of right answers; ``positive_example_nll_weight`` of NeMo-RL, whose bound of 0 this is.
Differs from EntropyAbove: whole sequences, by their outcome.
"""

from dataclasses import dataclass
from typing import ClassVar

from guerdon.losses.choices.entropy_above import EntropyAbove
from guerdon.quantities import B, Mask
from guerdon.steps import spread
from guerdon.witness import Witness


@dataclass(frozen=True)
class RewardAbove:
    per_batch: ClassVar[bool] = False

    bound: float = 0.0

    def __call__(self, reward: B, mask: Mask) -> Mask:
        return spread((reward.detach() > self.bound), mask)


_given = {"reward": [1.0, 0.0, 0.5], "mask": [[1, 1], [1, 1], [1, 0]], "entropy": [[1.0, 1.0]] * 3}
witness = (
    Witness(RewardAbove(), parent=EntropyAbove(0.5), given=_given, returns=[[1, 1], [0, 0], [1, 0]]),
    Witness(RewardAbove(0.5), parent=RewardAbove(), given=_given, returns=[[1, 1], [0, 0], [0, 0]]),
)
