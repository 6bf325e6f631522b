"""Drifting: what is noted of a pair goes a part of the way to what the policy says of it, at each step.

    p = (1 - gamma) preference + gamma sigmoid(chosen_score - rejected_score)        [N], without a gradient

``preference`` [N] is what was noted so far, 1 for a fresh label; p is to be noted in its place before the next step, by whoever steps. It stands still where the policy says what
is noted: and there the gradient of the logistic loss, sigmoid(d) - p, is none. What is compared often moves the policy to its label before the label has drifted; of what is
compared once, among many, the label drifts to where the policy was, and hardly anything is learned of it, of luck or of worth. Where nothing is noted (``preference`` stays 1)
the label is a soft one that leans to the policy by gamma.

Source: POWER-DL, Rashidinejad and Tian 2024, arXiv 2412.09544, of which the abstract and summaries were read: labels are updated dynamically toward "stationary labels" at which
gradients vanish. The step in a line with a rate is ours to choose, and the least that does so. Default ``gamma`` 0.1: ours, for it must be set by the number of steps.
Differs from Soft: the label is of the policy too, and changes as it learns.
"""

from dataclasses import dataclass

import torch

from guerdon.losses.labels.soft import Soft
from guerdon.quantities import N
from guerdon.witness import Limit, Witness


@dataclass(frozen=True)
class Drifting:
    gamma: float = 0.1

    def __call__(self, chosen_score: N, rejected_score: N, preference: N) -> N:
        said = torch.sigmoid(chosen_score - rejected_score).detach()
        return (1 - self.gamma) * preference.detach() + self.gamma * said


LN3 = 1.0986122886681098
witness = Witness(  # sigmoid(ln 3) = 3/4: a fifth of the way from 1, from 0 and from where it stands
    Drifting(gamma=0.2),
    parent=Soft(),
    given={"chosen_score": [LN3, LN3, LN3], "rejected_score": [0.0, 0.0, 0.0], "preference": [1.0, 0.0, 0.75]},
    returns=[0.95, 0.15, 0.75],
    gradient={"chosen_score": None, "rejected_score": None},
)
limits = (Limit(Drifting(gamma=0.0), equals=Soft(), when="labels stay as they were noted"),)
