"""Order effect: whoever is shown first has an advantage that is no merit of the item.

    score of the first candidate + order,  then the choice ``of``        ``order`` [], nats; negative where the last is favoured

``order`` is identified if some pair was shown in both orders (or a cycle says as much). ``order`` 0 is the choice itself.

Source: Davidson and Beaver 1977, On extending the Bradley-Terry model to incorporate within-pair order effects; as the position bias of judges, arXiv 2306.05685.
Differs from its choice: the same two items in the other order need not give the mirrored answer.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from guerdon.exact.likelihoods._family import Choice, Parameters, Scored
from guerdon.exact.likelihoods.bradley_terry import LN2, LN3, BradleyTerry
from guerdon.parts import call
from guerdon.witness import Limit, Witness


@dataclass(frozen=True)
class OrderEffect(Scored):
    makes: ClassVar[tuple[str, ...]] = ("score", "order")

    of: Choice = BradleyTerry()

    def parameters(self, items: int, users: int = 1, features: int | None = None) -> dict[str, tuple[int, ...]]:
        return self.of.parameters(items, users, features) | {"order": ()}

    def gauge(self, parameters: Parameters, features: Tensor | None = None) -> Parameters:
        return self.of.gauge(parameters, features)

    def edges(self, size: int) -> list[list[tuple[int, int]]] | None:
        return self.of.edges(size)

    def handed(self, asked: Tensor, score: Tensor, order: Tensor, **rest: Any) -> dict[str, Any]:
        shown = score[asked]
        first = torch.zeros(asked.shape[-1], dtype=shown.dtype)
        first[0] = 1.0
        # What is shown at a place of a question is an item of its own.
        return rest | {"score": (shown + order * first).flatten(), "asked": torch.arange(asked.numel()).view(asked.shape)}

    def __call__(self, **given: Any) -> Tensor:
        return call(self.of, self.handed(**given))


witness = Witness(  # pi = 3 and 1; being first doubles: 6 to 1, and 2 to 3
    OrderEffect(),
    parent=BradleyTerry(),
    given={
        "asked": torch.tensor([[0, 1], [1, 0]]),
        "score": torch.tensor([LN3, 0.0], dtype=torch.float64),
        "order": torch.tensor(LN2, dtype=torch.float64),
    },
    returns=torch.tensor([[6 / 7, 1 / 7], [2 / 5, 3 / 5]], dtype=torch.float64).log(),
)


def _no_order(given: dict) -> dict:
    return given | {"asked": torch.tensor([[0, 1], [2, 4], [5, 1]]), "order": torch.tensor(0.0, dtype=torch.float64)}


limits = (Limit(OrderEffect(), equals=BradleyTerry(), when="order is 0", under=_no_order),)
