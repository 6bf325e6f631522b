"""Davidson: two items may be called equal, the more readily the closer they are, and choices stay those of Bradley-Terry.

    P(first), P(second), P(tie)  proportional to  pi_first, pi_second, nu sqrt(pi_first pi_second),    pi = exp(score)
    that is, softmax of (d / 2, -d / 2, tie),    d = score_first - score_second,    nu = exp(tie)

``score`` [M] and ``tie`` [], nats: two equal items tie with the odds nu to 2. Given that it is no tie, the answer is Bradley-Terry's, whatever nu (Luce's axiom holds).
Only differences of scores count; ``tie`` is identified. A tie of minus infinity is Bradley-Terry.

Source: Davidson 1970, On extending the Bradley-Terry model to accommodate ties; in this form, arXiv 1909.07123, section 1.1.
Differs from BradleyTerry: a third answer.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from guerdon.exact.likelihoods._family import WithTies, pairs_only
from guerdon.exact.likelihoods.bradley_terry import LN2, BradleyTerry
from guerdon.witness import Witness


@dataclass(frozen=True)
class Davidson(WithTies):
    def __call__(self, asked: Tensor, score: Tensor, tie: Tensor) -> Tensor:
        pairs_only(asked, "Davidson")
        first, second = score[asked].unbind(-1)
        half = (first - second) / 2
        return torch.stack([half, -half, tie.expand_as(half)], -1).log_softmax(-1)


witness = Witness(  # pi = 4 and 1, nu = 3/2: 4, 1 and 3/2 * 2
    Davidson(),
    parent=BradleyTerry(),
    given={
        "asked": torch.tensor([[0, 1]]),
        "score": torch.tensor([2 * LN2, 0.0], dtype=torch.float64),
        "tie": torch.tensor(1.5, dtype=torch.float64).log(),
    },
    returns=torch.tensor([[1 / 2, 1 / 8, 3 / 8]], dtype=torch.float64).log(),
)
