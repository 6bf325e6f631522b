"""Bin discrepancy: what is said of answers is to be distributed alike, however much they have of an attribute.

    penalty = mean over pairs of bins (m, m') of  MMD^2(scores in m, scores in m')        [B], the number of the whole batch for every sequence
    MMD^2(X, Y) = mean k(x, x') + mean k(y, y') - 2 mean k(x, y),      k(x, y) = exp(-(x - y)^2 / (2 s^2))

``bins`` hold as many sequences each, by the attribute: ``length``, in acted steps, or a column of the data (of pairs ``chosen_NAME`` and
``rejected_NAME``); values that are alike share a bin, and where there are no more values than bins each is one. s is ``bandwidth`` times the
deviation of the batch's scores, a constant in the gradient: no unit of reward matters, and shrinking all scores is no way out.

``OnBothSides(BinDiscrepancy())`` is the unconditional form. The conditional one compares chosen answers with chosen ones and rejected ones with
rejected ones, as ``OnSide`` on either side: where people really do prefer the attribute, chosen answers have more of it, and a score that knows what
people prefer is *not* distributed alike over both.

Source: Causal Reward Modeling, Wang et al. 2025, arXiv 2501.09620: an MMD over bins of the spurious variable beside the Bradley-Terry loss,
unconditional and conditional on the label. We could read its abstract and summaries, not its equations: that it is the score that is compared, the
kernel, its width, and the mean over pairs of bins are ours.
Differs from AttributeCorrelation: any dependence counts, not only a straight one; and one head does, nothing takes what is removed.
"""

from dataclasses import dataclass
from itertools import combinations
from typing import ClassVar

import torch
from torch import Tensor

from guerdon.errors import InputError
from guerdon.losses.penalties._attributes import LENGTH, name_of, read
from guerdon.losses.penalties.attribute_correlation import AttributeCorrelation
from guerdon.quantities import B
from guerdon.witness import Witness


@dataclass(frozen=True)
class BinDiscrepancy:
    per_item: ClassVar[bool] = True  # one number for a sequence
    per_batch: ClassVar[bool] = True

    attribute: str = LENGTH
    bins: int = 4
    bandwidth: float = 1.0

    def __post_init__(self) -> None:
        if self.bins < 2 or self.bandwidth <= 0:
            raise InputError(f"{self!r}: scores are compared between 2 bins or more, with a bandwidth above 0")

    def needs(self) -> frozenset[str]:
        return frozenset({"score", name_of(self.attribute)})

    def __call__(self, **quantities: Tensor) -> B:
        score = quantities["score"]
        if not len(score):
            return score
        place = self._places(read(self.attribute, quantities, score))
        width = self.bandwidth * score.detach().std(correction=0)
        x = score / width if width > 0 else score
        kernel = torch.exp(-((x.unsqueeze(-1) - x) ** 2) / 2)
        share = torch.nn.functional.one_hot(place).to(score.dtype)  # [B, bins]
        means = share.T @ kernel @ share / (share.sum(0).unsqueeze(-1) * share.sum(0))
        apart = [means[a, a] + means[b, b] - 2 * means[a, b] for a, b in combinations(range(len(means)), 2)]
        return (torch.stack(apart).mean() if apart else 0.0 * score.sum()).expand(len(score))

    def _places(self, attribute: B) -> Tensor:
        """[B], which bin each sequence is in; no bin is empty."""
        values, place = torch.unique(attribute, return_inverse=True)
        if len(values) > self.bins:
            exact = attribute.double()
            edges = torch.quantile(exact, torch.arange(1, self.bins, dtype=exact.dtype, device=exact.device) / self.bins)
            place = torch.bucketize(exact, edges, right=True)
        return torch.unique(place, return_inverse=True)[1]


K = 0.1353352832366127  # exp(-2): scores of 0 and 1 deviate by 1/2, and are two deviations apart
witness = Witness(
    BinDiscrepancy("marks"),
    parent=AttributeCorrelation("marks"),
    given={"score": [0.0, 0.0, 1.0, 1.0], "head_score": [[0.0], [0.0], [1.0], [1.0]], "marks": [3.0, 3.0, 5.0, 5.0]},
    returns=[2 - 2 * K] * 4,
    gradient={"score": [-16 * K, -16 * K, 16 * K, 16 * K]},  # of the four outputs' sum
)
