"""Bounded logistic: the preferred answer is to be ahead, and by no more than two answers that are so alike can differ.

    loss  = -log sigmoid(d) - log sigmoid(delta - d),   d = chosen_score - rejected_score        [N], nats
    delta = scale / (similarity + smallest) + offset

Between 0 and delta the loss is lowest, half-way; a reward that grows without end, as it does where labels are always right, stops there. ``by`` says
what similarity is: "length_ratio", the shorter answer's length by the longer one's, or a column of the pair, from 0 to 1 (of cosines c between
embeddings: (pi - arccos max(c, 0)) / pi, as the authors have it).

Source: PCRM, Zhou et al. 2024, arXiv 2404.00978, and its authors' code (wangclnlp/DeepSpeed-Chat-Extension, branch PCRM,
``dschat/utils/model/reward_model.py``): the two terms, delta, ``scale`` 6, ``smallest`` 0.001, ``offset`` 0. There scores are compared token by token
from where the answers part, and the ratio counts from there.
Differs from Logistic: how far ahead is too far is said, pair by pair.
"""

from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor

from guerdon.errors import InputError
from guerdon.losses.comparisons.logistic import LN3, LN4, Logistic
from guerdon.quantities import N
from guerdon.witness import Witness

LENGTH_RATIO = "length_ratio"


@dataclass(frozen=True)
class BoundedLogistic:
    scale: float = 6.0
    offset: float = 0.0
    smallest: float = 0.001
    by: str = LENGTH_RATIO

    def __post_init__(self) -> None:
        if self.scale <= 0 or self.smallest <= 0:
            raise InputError(f"{self!r}: scale and smallest are above 0, or nothing is bounded")

    def needs(self) -> frozenset[str]:
        similarity = {"chosen_mask", "rejected_mask"} if self.by == LENGTH_RATIO else {self.by}
        return frozenset({"chosen_score", "rejected_score", *similarity})

    def __call__(self, chosen_score: N, rejected_score: N, **known: Tensor) -> N:
        d = chosen_score - rejected_score
        delta = self.scale / (self._similarity(known).to(d.device, d.dtype) + self.smallest) + self.offset
        return -F.logsigmoid(d) - F.logsigmoid(delta - d)

    def _similarity(self, known: dict[str, Tensor]) -> N:
        if self.by != LENGTH_RATIO:
            return known[self.by].detach()
        first, second = (known[f"{side}_mask"].sum(-1).clamp(min=1) for side in ("chosen", "rejected"))
        return first.minimum(second) / first.maximum(second)


_given = {"chosen_score": [LN3, 0.0], "rejected_score": [0.0, 0.0], "alike": [0.75, 0.25]}
_bound = BoundedLogistic(scale=2 * LN3, smallest=0.25, by="alike")  # delta: 2 ln 3 and 4 ln 3
LN2 = 0.6931471805599453
LN_82_81 = 0.012270092591814359
witness = (
    Witness(  # half-way there is no gradient
        _bound,
        parent=Logistic(),
        given=_given,
        returns=[2 * (LN4 - LN3), LN2 + LN_82_81],
        gradient={"chosen_score": [0.0, 1 / 82 - 0.5], "rejected_score": [0.0, 0.5 - 1 / 82]},
    ),
    Witness(  # one step against three: ln 9 / (1/3 + 1/6) = 2 ln 9, which is the second pair's
        BoundedLogistic(scale=2 * LN3, smallest=1 / 6),
        parent=_bound,
        given={"chosen_score": [0.0], "rejected_score": [0.0], "chosen_mask": [[1, 0, 0]], "rejected_mask": [[1, 1, 1]]},
        returns=[LN2 + LN_82_81],
        gradient={"chosen_score": [1 / 82 - 0.5]},
    ),
)
