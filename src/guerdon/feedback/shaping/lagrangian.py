"""Lagrangian: a reward is pursued as far as the mean of another component stays within a budget, by a multiplier that learns what that takes.

    log multiplier += learning_rate * multiplier * (mean of component over the batch - budget),   multiplier <= most
    reward -> (reward - multiplier * component) / (1 + multiplier)                                                    [B]

The multiplier grows while the batch is over its budget and falls while it is below: at a fixed point of both the budget is just kept, or the multiplier is near 0. The
division keeps the size of what is learned from about constant. Where nothing pulls the policy back they go around that point, further and further; with a KL to a reference they
come to rest there (in a bandit of two answers). ``by`` names the component that costs something.

The state is ``{"multiplier"}``, a plain number, which learns of a batch before it shapes it.

Source: PPO-Lagrangian of Safe RLHF, Dai et al. 2023, arXiv 2310.12773, as descriptions and ports of its authors' code have it (initial multiplier 1, learning rate 0.1, at most 5,
budget 0): there advantages are combined so, and the mean is over the last 128 answers; a linear estimator of advantages makes the two the same.
Differs from Weigh with a negative weight: the weight is found, and the budget is what one knows.
"""

import math
from dataclasses import dataclass
from typing import Any, ClassVar

from guerdon.errors import InputError
from guerdon.feedback.shaping.batch_normalise import BatchNormalise
from guerdon.quantities import B
from guerdon.witness import Witness


@dataclass(frozen=True)
class Lagrangian:
    per_batch: ClassVar[bool] = True

    by: str
    budget: float = 0.0
    learning_rate: float = 0.1
    initial: float = 1.0
    most: float = 5.0

    def __post_init__(self) -> None:
        if not 0 < self.initial <= self.most:
            raise InputError(
                f"lagrangian: it begins with a multiplier of {self.initial}, and {self.most} is the most; give one above 0 and no more than that"
            )

    def needs(self) -> frozenset[str]:
        return frozenset({"reward", f"component_{self.by}"})

    def init(self) -> dict[str, Any]:
        return {"multiplier": self.initial}

    def __call__(self, reward: B, state: dict[str, Any], **read: B) -> tuple[B, dict[str, Any]]:
        cost, multiplier = read[f"component_{self.by}"], state["multiplier"]
        over = cost.double().mean().item() - self.budget if len(cost) else 0.0
        multiplier = min(multiplier * math.exp(min(self.learning_rate * multiplier * over, 100.0)), self.most)
        return (reward - multiplier * cost) / (1 + multiplier), {"multiplier": multiplier}


def _shaped(multiplier: float, costs: tuple[float, float]) -> list[float]:
    return [(reward - multiplier * cost) / (1 + multiplier) for reward, cost in zip((3.0, 1.0), costs, strict=True)]


_given = {"reward": [3.0, 1.0], "component_harm": [1.0, 0.0], "component_cost": [0.0, 4.0], "state": {"multiplier": 1.0}}
_e, _harm = math.exp, Lagrangian("harm")
witness = (
    Witness(_harm, parent=BatchNormalise(), given=_given, returns=_shaped(_e(0.05), (1.0, 0.0))),
    Witness(Lagrangian("cost"), parent=_harm, given=_given, returns=_shaped(_e(0.2), (0.0, 4.0))),
    Witness(Lagrangian("harm", budget=0.75), parent=_harm, given=_given, returns=_shaped(_e(-0.025), (1.0, 0.0))),
    Witness(Lagrangian("harm", learning_rate=1.0), parent=_harm, given=_given, returns=_shaped(_e(0.5), (1.0, 0.0))),
    Witness(Lagrangian("cost", learning_rate=1.0, most=2.0), parent=Lagrangian("cost"), given=_given, returns=[1.0, -7 / 3]),
)
