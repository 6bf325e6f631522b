"""Standardised length: a right answer earns less the longer it is among the right answers to its prompt.

    z      = (length - mean) / (std + epsilon)        mean and unbiased std of the lengths of the group's right answers; 0 for the only one
    reward * (1 - weight * sigmoid(z))                where reward >= threshold; a wrong answer keeps its reward                [B]

What is right stays above what is wrong however long it is, for a weight below 1.

Source: Training Language Models to Reason Efficiently, Arora and Zanette 2025, arXiv 2502.04463, and its authors' code, which takes the population's
deviation (weights of 0.05 to 0.4). ``weight`` 0.4 and ``epsilon``
1e-6: the code of LASER (``compute_norm_length_penalty``), which penalises the only right answer in full; here it is in the middle, where it would stand among its like.
Differs from RelativeLength: relative to right answers, a factor and not a sum, and wrong answers are left alone.
"""

from dataclasses import dataclass

import torch

from guerdon.feedback.shaping.relative_length import RelativeLength
from guerdon.quantities import B, Group
from guerdon.steps import divided, group_sum, root
from guerdon.thresholds import reaches
from guerdon.witness import Witness


@dataclass(frozen=True)
class StandardisedLength:
    weight: float = 0.4
    threshold: float = 0.5
    epsilon: float = 1e-6

    def __call__(self, reward: B, group: Group, length: B) -> B:
        right = reaches(reward, self.threshold)
        count = group_sum(right.to(length.dtype), group)
        mean = group_sum(torch.where(right, length, 0.0), group) / count.clamp(min=1)
        deviation = root(group_sum(torch.where(right, (length - mean) ** 2, 0.0), group) / (count - 1).clamp(min=1))
        z = divided(length - mean, deviation + self.epsilon)
        return torch.where(right, reward * (1 - self.weight * torch.sigmoid(z)), reward)


_given = {"reward": [1.0, 1.0, 0.0, 1.0], "length": [10.0, 20.0, 90.0, 5.0], "group": [0, 0, 0, 1]}  # mean 15, deviation sqrt(50)
SHORT, LONG = 0.330238451, 0.669761549  # sigmoid of -+ 1 / sqrt(2)
witness = (
    Witness(StandardisedLength(epsilon=0.0), parent=RelativeLength(), given=_given, returns=[1 - 0.4 * SHORT, 1 - 0.4 * LONG, 0.0, 0.8]),
    Witness(
        StandardisedLength(weight=1.0, epsilon=0.0), parent=StandardisedLength(), given=_given, returns=[1 - SHORT, 1 - LONG, 0.0, 0.5]
    ),
    Witness(StandardisedLength(threshold=2.0), parent=StandardisedLength(), given=_given, returns=[1.0, 1.0, 0.0, 1.0]),
    Witness(  # deviations of 1 / (sqrt(50) + 1) times 5
        StandardisedLength(epsilon=1.0),
        parent=StandardisedLength(),
        given={"reward": [1.0, 1.0], "length": [10.0, 20.0], "group": [0, 0]},
        returns=[1 - 0.4 * 0.349895924, 1 - 0.4 * 0.650104076],
    ),
)
