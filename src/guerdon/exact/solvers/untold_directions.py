"""Untold directions: how many ways there are for what is wanted to be otherwise without anything that is told changing.

    dimension = rank([told; wanted]) - rank(told)

``told`` [Q, D]: features of what is answered exactly, as linear functions of unknown parameters [D]; ``wanted`` [P, D]: those of what one would know. Returns ``dimension``,
0 where all that is wanted follows from what is told, and ``direction`` [D, dimension]: orthonormal, in the span of both, orthogonal to what is told.

Of comparisons only differences are told: centre the features first. A singular value below ``tolerance`` of the largest is 0: ours.

Source: the ambiguity of return functions under partial observation, Lang et al. 2024, arXiv 2402.17747: the kernel of the beliefs composed with the returns, as far as it
matters. Differs from the estimators' untold directions: of what is wanted, before anything is answered.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from guerdon.errors import InputError
from guerdon.exact.solvers._tables import positive
from guerdon.witness import Witness


@dataclass(frozen=True)
class UntoldDirections:
    tolerance: float = 1e-9

    def __post_init__(self) -> None:
        positive(self.tolerance, "tolerance")

    def __call__(self, told: Tensor, wanted: Tensor) -> dict[str, Tensor]:
        if told.dim() != 2 or wanted.dim() != 2 or told.shape[1] != wanted.shape[1]:
            raise InputError(
                f"told and wanted are features [rows, D] of the same parameters, not {tuple(told.shape)} and {tuple(wanted.shape)}"
            )
        told, wanted = told.double(), wanted.double()
        size = max(float(torch.linalg.matrix_norm(rows, 2)) if len(rows) else 0.0 for rows in (told, wanted))
        known = _span(told, self.tolerance * size)
        direction = _span(wanted - wanted @ known @ known.T, self.tolerance * size)
        return {"dimension": torch.tensor(direction.shape[1]), "direction": direction}


def _span(rows: Tensor, least: float) -> Tensor:
    """[D, rank], an orthonormal basis of the span of the rows."""
    _, singular, basis = torch.linalg.svd(rows, full_matrices=False)
    return basis[singular > least].T


# The sum of the first two parameters is told. Of the three wanted, the same sum follows; their difference and the third do not.
_sum = {"told": torch.tensor([[1.0, 1.0, 0.0]], dtype=torch.float64)}
_half = 2**-0.5
witness = (
    Witness(
        UntoldDirections(),
        given=_sum | {"wanted": torch.tensor([[2.0, 2.0, 0.0], [0.0, 0.0, 3.0]], dtype=torch.float64)},
        returns={"dimension": 1, "direction": [[0.0], [0.0], [1.0]]},
    ),
    Witness(  # a difference of 1e-3 is 0 to whom a thousandth is nothing
        UntoldDirections(tolerance=0.01),
        parent=UntoldDirections(),
        given=_sum | {"wanted": torch.tensor([[1.001, 0.999, 0.0]], dtype=torch.float64)},
        returns={"dimension": 0, "direction": torch.zeros(3, 0, dtype=torch.float64)},
    ),
)
