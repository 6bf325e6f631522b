"""Rao-Kupper: a difference that is felt to be smaller than a threshold is called a tie.

    P(first) = pi_first / (pi_first + theta pi_second) = sigmoid(d - eta),    d = score_first - score_second,    theta = exp(eta),    eta = exp(tie)
    P(second) = sigmoid(-d - eta),    P(tie) = 1 - P(first) - P(second) = (theta^2 - 1) P(first) P(second)

The threshold eta is in units of the scores; ``tie`` [] is its logarithm, so that it stays positive. ``score`` [M], nats; only differences count. A ``tie`` of minus
infinity is Bradley-Terry.

Source: Rao and Kupper 1967, Ties in paired-comparison experiments.
Differs from Davidson: logistic noise around the difference, cut at plus and minus eta; here decided answers are not those of Bradley-Terry.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from guerdon.exact.likelihoods._family import WithTies, pairs_only
from guerdon.exact.likelihoods.bradley_terry import LN2
from guerdon.exact.likelihoods.davidson import Davidson
from guerdon.witness import Witness


@dataclass(frozen=True)
class RaoKupper(WithTies):
    def __call__(self, asked: Tensor, score: Tensor, tie: Tensor) -> Tensor:
        pairs_only(asked, "RaoKupper")
        first, second = score[asked].unbind(-1)
        eta, difference = tie.exp(), first - second
        win, loss = logsigmoid(difference - eta), logsigmoid(-difference - eta)
        room = 2 * eta + torch.log(-torch.expm1(-2 * eta))  # log(theta^2 - 1), which does not overflow
        return torch.stack([win, loss, room + win + loss], -1)


witness = Witness(  # pi = 4 and 1, theta = 2: 4 / 6, 1 / 9
    RaoKupper(),
    parent=Davidson(),
    given={
        "asked": torch.tensor([[0, 1]]),
        "score": torch.tensor([2 * LN2, 0.0], dtype=torch.float64),
        "tie": torch.tensor(LN2, dtype=torch.float64).log(),
    },
    returns=torch.tensor([[2 / 3, 1 / 9, 2 / 9]], dtype=torch.float64).log(),
)
