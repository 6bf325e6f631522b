"""Mismatched KL: how far the policy has gone from the reference, as far as answers to other prompts tell.

    z = max(0, mean over the batch of mismatched_score)        [B], in units of the score

``mismatched_score`` is the score of each sequence in answer to another prompt of its batch: that of the next row that has another one. Of
log-ratios the mean is an estimate, biased downwards, of beta KL(policy || reference), which needs no sampling. It takes several prompts: in answer to
its own prompt, a sequence tells of itself. A step of one row, and rows that all have the same prompt, are refused by the loops.

Source: KTO, arXiv 2402.01306 (its estimate of z_0); shifted by one as in TRL, and further where the next row has the same prompt, which TRL leaves as it is.
Differs from Fixed: what makes every answer likelier moves the reference point along, and so is no gain.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch

from guerdon.losses.reference_points.fixed import Fixed
from guerdon.quantities import B
from guerdon.witness import Limit, Witness


@dataclass(frozen=True)
class MismatchedKL:
    per_batch: ClassVar[bool] = True

    def __call__(self, mismatched_score: B) -> B:
        return mismatched_score.detach().mean().clamp(min=0).expand_as(mismatched_score)


witness = (
    Witness(
        MismatchedKL(),
        parent=Fixed(),
        given={"mismatched_score": [3.0, -1.0], "score": [0.0, 0.0]},
        returns=[1.0, 1.0],
        gradient={"mismatched_score": None},
    ),
    Witness(MismatchedKL(), parent=Fixed(at=-1.0), given={"mismatched_score": [1.0, -3.0], "score": [0.0, 0.0]}, returns=[0.0, 0.0]),
)


def _less_likely(inputs: dict) -> dict:
    """Mismatched answers that the policy finds less likely than the reference does."""
    return inputs | {"mismatched_score": -torch.ones_like(inputs["mismatched_score"])}


limits = (Limit(MismatchedKL(), equals=Fixed(), when="answers to other prompts have become less likely", under=_less_likely),)
