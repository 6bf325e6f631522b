"""Bradley-Terry: the chance to be preferred grows with the difference of two scores, as the logistic curve does.

    P(first) = sigmoid(score_first - score_second)        answers: the first, the second

``score`` [M], nats of log-odds. Only differences count: ``gauge`` lets scores sum to 0, and M - 1 numbers are identified if every two items are linked by comparisons.

Source: Zermelo 1929; Bradley and Terry 1952, Rank analysis of incomplete block designs I. As the model of people in RLHF: InstructGPT, arXiv 2203.02155, eq. 1.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from guerdon.exact.likelihoods._family import Choice, pairs_only
from guerdon.witness import Witness


@dataclass(frozen=True)
class BradleyTerry(Choice):
    def outcomes(self, size: int) -> list[tuple[int, ...]]:
        return [(0,), (1,)]

    def __call__(self, asked: Tensor, score: Tensor) -> Tensor:
        pairs_only(asked, "BradleyTerry")
        first, second = score[asked].unbind(-1)
        return torch.stack([logsigmoid(first - second), logsigmoid(second - first)], -1)


LN2, LN3 = 0.6931471805599453, 1.0986122886681098
witness = Witness(  # odds of 3 to 1
    BradleyTerry(),
    given={"asked": torch.tensor([[0, 1], [1, 2]]), "score": torch.tensor([0.5, 0.5 - LN3, 0.5 - LN3], dtype=torch.float64)},
    returns=[[LN3 - 2 * LN2, -2 * LN2], [-LN2, -LN2]],
)
