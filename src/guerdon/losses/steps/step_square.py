"""Step square: what is said of a step, as a probability, is the step's label.

    loss = (sigmoid(score) - label)^2        [B, T]

``step_label`` is a number from 0 to 1, such as the share of continuations that came out right, or progress towards the goal.

Source: the soft estimation with a mean squared error of The Lessons of Developing Process Reward Models, arXiv 2501.07301; the Brier score.
Differs from StepCrossEntropy: bounded, so that a wrong label costs no more than 1.
"""

from dataclasses import dataclass

import torch

from guerdon.losses.comparisons.logistic import LN3
from guerdon.losses.steps.step_cross_entropy import StepCrossEntropy
from guerdon.quantities import BT
from guerdon.witness import Witness


@dataclass(frozen=True)
class StepSquare:
    def __call__(self, step_score: BT, step_label: BT) -> BT:
        return (torch.sigmoid(step_score) - step_label) ** 2


witness = Witness(  # sigmoid(ln 3) = 3/4, whose slope is 3/16
    StepSquare(),
    parent=StepCrossEntropy(),
    given={"step_score": [[LN3, LN3]], "step_label": [[1.0, 0.25]]},
    returns=[[0.0625, 0.25]],
    gradient={"step_score": [[-3 / 32, 3 / 16]]},
)
