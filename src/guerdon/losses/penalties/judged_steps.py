"""Judged steps: what a judge of steps says of each, taken from the reward with its sign turned round.

    penalty = -judge_contribution        [B, T], in units of reward

As a penalty *of the reward* with weight a it adds a times the judge's word where it was earned: praise above 0, blame below. ``judge`` is bound to a model that measures
``contribution``: a critic that marks spans, a reader of subgoals, a table in a finite world. In the loss it does nothing: no gradient.

Source: DRLC, arXiv 2401.07382: a language model marks good and bad spans, and their tokens earn besides the outcome; CALM, arXiv 2409.12798: 1 where a subgoal is
achieved. Differs from ImplicitReward: a judge's verdict and not a log-ratio.
"""

from dataclasses import dataclass

from guerdon.losses.penalties.implicit_reward import ImplicitReward
from guerdon.quantities import BT
from guerdon.witness import Witness


@dataclass(frozen=True)
class JudgedSteps:
    def __call__(self, judge_contribution: BT) -> BT:
        return -judge_contribution.detach()


witness = Witness(
    JudgedSteps(),
    parent=ImplicitReward(),
    given={"judge_contribution": [[1.0, 0.0, -1.0]]},
    returns=[[-1.0, 0.0, 1.0]],
    gradient={"judge_contribution": None},
)
