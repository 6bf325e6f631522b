"""Process Q-value model: steps of an answer are ranked by how likely it still comes out right, in the place of being called right or wrong one by one.

Source: PQM, Li and Li 2024, arXiv 2410.11287, eq. 9; margin 4 and the learning rate of 1e-6 are those of its authors' script.
Differs from process_reward_model: a loss of the order of steps; rows and head are the same.
"""

import torch

from guerdon.losses.steps.step_ranking import StepRanking
from guerdon.targets import Target
from guerdon.targets.offline import Marked, Marks
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term

recipe = Recipe((Term(StepRanking()),), AdamW(learning_rate=1e-6))


def _objective(d: Marks) -> torch.Tensor:
    answers = []
    for said, label, ends in zip(d.score, d.label, d.ends, strict=True):
        fallen = sum(((x + 4).exp() for x, y, e in zip(said, label, ends, strict=True) if e and y < 0.5), start=torch.zeros(()))
        risen, each = torch.ones(()), [torch.log(1 + fallen)] if fallen > 0 else []
        for x, y, e in zip(said, label, ends, strict=True):
            if e and y >= 0.5:
                risen = risen + x.exp()
                each.append(torch.log(risen + fallen) - x)
        answers.append(torch.stack(each).mean())
    return torch.stack(answers).mean()


target = Target(
    "the mean over answers, and over their start and right steps t, of log(sum of e^score up to t over right steps + sum of e^(score + 4) over wrong ones) - score_t",
    _objective,
    Marked(),
)
