"""Redistributed: another advantage, for which the outcome is paid where it was earned, as a learned decomposition says.

    step reward' = step_reward + share * (old_contribution - outcome at the last acted step)        then ``advantage`` of it; [B, T]

``old_contribution`` is what a learner says (``losses.values.return_decomposition``) before the update. Where contributions sum to the outcome, the return of a sequence is what it
was; with ``share`` below 1 part of it stays at the end. Penalties of the reward stay where they were. What the last sum lacks is the estimator's error, and is not made good.

Source: SPA-RL, arXiv 2505.20732 (its coefficient of the contributions is ``share``; its reward for actions that can be executed is one like any other); LaRe, arXiv
2412.11120.
Differs from ReturnToGo: what follows a step no longer holds what was earned before it.
"""

from dataclasses import dataclass

from torch import Tensor

from guerdon.credit.advantages import Advantage
from guerdon.credit.advantages.return_to_go import ReturnToGo
from guerdon.parts import call, needs, wants
from guerdon.quantities import BT, B, Mask
from guerdon.steps import clean, on_last
from guerdon.witness import Limit, Witness


@dataclass(frozen=True)
class Redistributed:
    advantage: Advantage = ReturnToGo()
    share: float = 1.0

    def needs(self) -> frozenset[str]:
        return needs(self.advantage) | {"step_reward", "old_contribution", "outcome", "mask"}

    def wants(self) -> frozenset[str]:
        return wants(self.advantage)

    def __call__(self, step_reward: BT, old_contribution: BT, outcome: B, mask: Mask, **quantities: Tensor) -> BT:
        paid = clean(step_reward, mask) + self.share * (clean(old_contribution.detach(), mask) - on_last(outcome, mask))
        return call(self.advantage, {**quantities, "step_reward": paid, "outcome": outcome, "mask": mask})


_earned = {"step_reward": [[0.0, 9.0, 4.0]], "old_contribution": [[3.0, 9.0, 0.5]], "outcome": [4.0], "mask": [[1, 0, 1]]}
witness = (
    Witness(Redistributed(), parent=ReturnToGo(), given=_earned, returns=[[3.5, 0.0, 0.5]]),
    Witness(Redistributed(share=0.5), parent=Redistributed(), given=_earned, returns=[[3.75, 0.0, 2.25]]),
    Witness(Redistributed(ReturnToGo(gamma=0.5)), parent=Redistributed(), given=_earned, returns=[[3.25, 0.0, 0.5]]),
)


def _at_the_end(inputs: dict) -> dict:
    return inputs | {"old_contribution": on_last(inputs["outcome"], inputs["mask"])}


limits = (Limit(Redistributed(), equals=ReturnToGo(), when="all is said to be earned at the end", under=_at_the_end),)
