"""Linear: the score of an item is a linear function of what is known of it.

    score = features @ coefficient,  then the choice ``of``        ``features`` [M, D], ``coefficient`` [D]

A feature that is the same for all items, or features that depend on one another, leave coefficients that no answer tells (unless the choice has an outside good). Items that
were never asked about have scores, too. With the identity for features it is the choice itself.

Source: the linear reward of preference-based RL, arXiv 2301.11270 (theta^T phi with Bradley-Terry); the conditional logit, McFadden 1974.
Differs from its choice: D numbers instead of M.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from guerdon.errors import InputError
from guerdon.exact.likelihoods._family import Choice, Scored
from guerdon.exact.likelihoods.bradley_terry import LN2, BradleyTerry
from guerdon.parts import call
from guerdon.witness import Limit, Witness


@dataclass(frozen=True)
class Linear(Scored):
    makes: ClassVar[tuple[str, ...]] = ("coefficient",)
    reads: ClassVar[tuple[str, ...]] = ("features",)

    of: Choice = BradleyTerry()

    def parameters(self, items: int, users: int = 1, features: int | None = None) -> dict[str, tuple[int, ...]]:
        if features is None:
            raise InputError("Linear makes scores of features: give ``features`` [items, D]")
        return {"coefficient": (features,)} | self.others(items, users, features)

    def handed(self, asked: Tensor, features: Tensor, coefficient: Tensor, **rest: Any) -> dict[str, Any]:
        return rest | {"score": features @ coefficient, "asked": asked}

    def __call__(self, **given: Any) -> Tensor:
        return call(self.of, self.handed(**given))


witness = Witness(  # scores 2 ln 2 and ln 2 + ln 2 / 2: odds of the square root of 2 to 1
    Linear(),
    parent=BradleyTerry(),
    given={
        "asked": torch.tensor([[0, 1]]),
        "features": torch.tensor([[2.0, 0.0], [1.0, 1.0]], dtype=torch.float64),
        "coefficient": torch.tensor([LN2, LN2 / 2], dtype=torch.float64),
    },
    returns=torch.tensor([[2**0.5 / (1 + 2**0.5), 1 / (1 + 2**0.5)]], dtype=torch.float64).log(),
)


def _indicators(given: dict) -> dict:
    score = given["score"]
    return given | {"asked": torch.tensor([[0, 1], [2, 4], [5, 1]]), "features": torch.eye(len(score)).double(), "coefficient": score}


limits = (Limit(Linear(), equals=BradleyTerry(), when="the features say which item it is", under=_indicators),)
