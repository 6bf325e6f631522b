"""Batch mean: halfway between what good and what bad sequences of the batch score on average.

    z = (mean of the scores labelled good + mean of those labelled bad) / 2        [B], in units of the score; the one mean where there is no other

Libraries follow such a mean over steps, by a moving average; here it is that of the step's own batch, so that nothing has to be remembered.

Source: BCO, arXiv 2404.04656, the reward shift. Its equation was not seen: that both kinds count the same, however many there are of each, is chosen here.
Differs from Fixed: moves with the policy, so that the classifier does not learn that all sequences have become likelier or less likely.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch

from guerdon.losses.reference_points.fixed import Fixed
from guerdon.quantities import B
from guerdon.witness import Limit, Witness


@dataclass(frozen=True)
class BatchMean:
    per_batch: ClassVar[bool] = True

    def __call__(self, score: B, label: B) -> B:
        each = torch.stack([label, 1 - label])
        there = each.sum(-1) > 0
        means = each @ score.detach().to(each.dtype) / torch.where(there, each.sum(-1), 1)
        return ((there * means).sum() / there.sum()).to(score.dtype).expand_as(score)


witness = (
    Witness(  # 3 and the mean of 0 and 2
        BatchMean(),
        parent=Fixed(),
        given={"score": [3.0, 0.0, 2.0], "label": [1.0, 0.0, 0.0]},
        returns=[2.0, 2.0, 2.0],
        gradient={"score": None},
    ),
    Witness(BatchMean(), parent=Fixed(), given={"score": [3.0, 1.0], "label": [1.0, 1.0]}, returns=[2.0, 2.0]),
)


def _centred(inputs: dict) -> dict:
    """Scores whose mean is 0, all of them good."""
    score = inputs["score"]
    return inputs | {"score": score - score.mean(), "label": torch.ones_like(score)}


limits = (Limit(BatchMean(), equals=Fixed(), when="all sequences are good and score 0 on average", under=_centred),)
