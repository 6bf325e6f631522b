"""D-optimal: a question is worth by how much its answer shrinks the volume of what the parameters may be.

    worth = log det(information + what the question tells) - log det(information)        [units], nats

``information`` [P, P] is what is known already: the Fisher information of what was asked, or of a fit (``Estimated.information``), and a prior's precision. It must tell every
parameter, since where nothing is known any question would be worth infinitely much: add a prior, ``+ 0.01 * torch.eye(P)``. Half the worth is the expected gain of
information about the parameters, to first order.

Source: Wald 1943 (the criterion); Kiefer and Wolfowitz 1959; of the questions for a preference model, arXiv 2404.13895.
Differs from AOptimal: it does not depend on the units of the parameters.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from guerdon.exact.designs._roots import known, roots
from guerdon.exact.designs.fisher_information import FisherInformation
from guerdon.exact.likelihoods import Likelihood
from guerdon.exact.likelihoods.bradley_terry import LN3, BradleyTerry
from guerdon.witness import Witness


@dataclass(frozen=True)
class DOptimal:
    likelihood: Likelihood

    def __call__(self, *, information: Tensor, **given: Any) -> Tensor:
        root = roots(self.likelihood, given)
        half = torch.linalg.solve_triangular(known(information, root.shape[-1]), root.transpose(-1, -2), upper=False)  # [units, P, O]
        return torch.linalg.slogdet(torch.eye(root.shape[1], dtype=torch.float64) + half.transpose(-1, -2) @ half).logabsdet


# Of a difference with the information 1/4 (scores by themselves 1/8 each): the even pair adds (1, -1)(1, -1)^T / 4, det (3/8^2 - 1/4^2) / (1/8)^2 = 5.
witness = Witness(
    DOptimal(BradleyTerry()),
    parent=FisherInformation(BradleyTerry()),
    given={
        "asked": torch.tensor([[0, 1], [0, 2]]),
        "score": torch.tensor([0.0, 0.0, LN3], dtype=torch.float64),
        "information": torch.eye(3, dtype=torch.float64) / 8,
    },
    returns=torch.tensor([5.0, 4.0], dtype=torch.float64).log(),  # 3/4 1/4 instead of 1/4: (5/16)^2 - (3/16)^2 = 1/16
)
