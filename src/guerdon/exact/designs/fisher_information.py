"""Fisher information: how much the answer to each question is expected to tell of the parameters, exactly.

    information = sum over answers of P(answer) score score^T,    score = gradient of log P(answer)        [units, P, P]

The information of a design is the sum over its questions; its inverse, on what it tells, is the covariance that maximum likelihood reaches with many answers. It equals minus
the expected Hessian.

Source: Fisher 1925; for a single comparison, P(first) P(second) (e_first - e_second)(e_first - e_second)^T.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from guerdon.exact.designs._roots import roots
from guerdon.exact.likelihoods import Likelihood
from guerdon.exact.likelihoods.bradley_terry import LN3, BradleyTerry
from guerdon.exact.likelihoods.outside_option import OutsideOption
from guerdon.witness import Witness


@dataclass(frozen=True)
class FisherInformation:
    likelihood: Likelihood

    def __call__(self, **given: Any) -> Tensor:
        root = roots(self.likelihood, given)
        return root.transpose(-1, -2) @ root


_three_to_one = {"asked": torch.tensor([[0, 1], [0, 2]]), "score": torch.tensor([LN3, 0.0, LN3], dtype=torch.float64)}
witness = (
    Witness(  # 3/4 1/4, and 1/2 1/2
        FisherInformation(BradleyTerry()),
        given=_three_to_one,
        returns=[
            [[3 / 16, -3 / 16, 0.0], [-3 / 16, 3 / 16, 0.0], [0.0, 0.0, 0.0]],
            [[1 / 4, 0.0, -1 / 4], [0.0, 0.0, 0.0], [-1 / 4, 0.0, 1 / 4]],
        ],
    ),
    Witness(  # of weights 1, 1 and 1 outside: the covariance of the indicators, which has an inverse
        FisherInformation(OutsideOption()),
        parent=FisherInformation(BradleyTerry()),
        given={"asked": torch.tensor([[0, 1]]), "score": torch.zeros(2, dtype=torch.float64)},
        returns=[[[2 / 9, -1 / 9], [-1 / 9, 2 / 9]]],
    ),
)
