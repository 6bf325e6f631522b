"""Return decomposition: what the steps are said to add is to sum to the outcome.

    loss = (sum over acted steps of contribution - outcome)^2 / acted steps        [B, T], the same at each acted step; their sum is the squared error

No step has a target of its own: which of them gets how much is what sequences have in common that ended alike.

Source: SPA-RL, arXiv 2505.20732 (progress estimator), and its authors' code; RUDDER, arXiv 1806.07857, and LaRe, arXiv 2412.11120, on other features.
Differs from SquaredError: a target for the sum, and none for a step.
"""

from dataclasses import dataclass

from guerdon.losses.values.squared_error import SquaredError
from guerdon.quantities import BT, B, Mask
from guerdon.steps import spread, total
from guerdon.witness import Witness


@dataclass(frozen=True)
class ReturnDecomposition:
    def __call__(self, contribution: BT, outcome: B, mask: Mask) -> BT:
        return spread((total(contribution, mask) - outcome.detach()) ** 2 / mask.sum(-1).clamp(min=1), mask)


witness = Witness(
    ReturnDecomposition(),
    parent=SquaredError(),
    given={"contribution": [[1.0, 9.0, 2.0], [0.0, 0.0, 0.0]], "outcome": [1.0, 3.0], "mask": [[1, 0, 1], [1, 1, 1]]},
    returns=[[2.0, 0.0, 2.0], [3.0, 3.0, 3.0]],
    gradient={"contribution": [[4.0, 0.0, 4.0], [-6.0, -6.0, -6.0]], "outcome": None},
)
