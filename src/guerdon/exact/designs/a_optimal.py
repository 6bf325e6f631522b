"""A-optimal: a question is worth by how much its answer lowers the sum of the parameters' variances, or the variance of what is asked for.

    worth = trace(target (information^-1 - (information + what the question tells)^-1))        [units]

``information`` [P, P] as in DOptimal; ``target`` [P, P] weighs what matters (not given: the identity, all parameters alike): for the slopes c of a contrast, c c^T, and
the worth is by how much its variance falls.

Source: Elfving 1952, Optimum allocation in linear regression theory; Chernoff 1953.
Differs from DOptimal: variances of what matters are added, in its units, and not multiplied.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from guerdon.exact.designs._roots import known, roots
from guerdon.exact.designs.d_optimal import DOptimal
from guerdon.exact.likelihoods import Likelihood
from guerdon.exact.likelihoods.bradley_terry import LN3, BradleyTerry
from guerdon.witness import Witness


@dataclass(frozen=True)
class AOptimal:
    likelihood: Likelihood

    def __call__(self, *, information: Tensor, target: Tensor | None = None, **given: Any) -> Tensor:
        root = roots(self.likelihood, given)
        move = torch.cholesky_solve(root.transpose(-1, -2), known(information, root.shape[-1]))  # [units, P, O], information^-1 root^T
        inner = torch.eye(root.shape[1], dtype=torch.float64) + root @ move
        weighed = move if target is None else target.double() @ move
        # Woodbury: the covariance falls by move inner^-1 move^T
        return torch.linalg.solve(inner, move.transpose(-1, -2) @ weighed).diagonal(dim1=-2, dim2=-1).sum(-1)


_given = {
    "asked": torch.tensor([[0, 1], [0, 2]]),
    "score": torch.tensor([0.0, 0.0, LN3], dtype=torch.float64),
    "information": torch.eye(3, dtype=torch.float64) / 8,
}
witness = (
    Witness(  # variances 8 become those of [[3, -2], [-2, 3]] / 8: 24/5, or of [[5, -3], [-3, 5]] / 16: 5
        AOptimal(BradleyTerry()),
        parent=DOptimal(BradleyTerry()),
        given=_given,
        returns=[2 * (8 - 24 / 5), 2 * (8 - 5)],
    ),
    Witness(  # of the third score alone the first question tells nothing
        AOptimal(BradleyTerry()),
        parent=DOptimal(BradleyTerry()),
        given=_given | {"target": torch.diag(torch.tensor([0.0, 0.0, 1.0], dtype=torch.float64))},
        returns=[0.0, 3.0],
    ),
)
