"""Entropy floor: an entropy bonus that is there while the policy is more certain than it should be, and grows as long as it stays so.

    coefficient += step where observed <= target, -= step elsewhere;  within [low, high]
    value        = coefficient where observed <= target, 0 elsewhere

It stands at the weight of an ``Entropy`` term: ``{loss: entropy, weight: {part: entropy_floor, target: 0.3}}``. Until an entropy has been observed the value is 0.

Source: Skywork-OR1, arXiv 2505.22312, its adaptive entropy control: a target of 0.2 nats, an initial coefficient of 0 and no less than that. ``step`` 0.005 and the upper bound
of 1 are TRL's (``use_adaptive_entropy``, ``entropy_coef_delta``, ``entropy_coef_max``); its authors' scripts have 0.0001 and 0.005.
Differs from AdaptiveCoefficient: adds and takes away rather than multiplies, and is 0 where nothing is needed.
"""

from dataclasses import dataclass

from guerdon.errors import InputError
from guerdon.training.controllers.adaptive_coefficient import AdaptiveCoefficient
from guerdon.witness import Witness


@dataclass(frozen=True)
class EntropyFloor:
    initial: float = 0.0
    target: float = 0.2
    step: float = 0.005
    low: float = 0.0
    high: float = 1.0
    statistic: str = "entropy"

    def __post_init__(self) -> None:
        if not self.low <= self.initial <= self.high:
            raise InputError(
                f"entropy_floor: initial is {self.initial}, outside of low and high, {self.low} and {self.high}; put it between them"
            )

    def init(self) -> dict[str, float]:
        return {"coefficient": self.initial, "value": 0.0}

    def __call__(self, observed: float, state: dict[str, float], sequences: int = 1) -> tuple[float, dict[str, float]]:
        needed = observed <= self.target
        coefficient = min(max(state["coefficient"] + (self.step if needed else -self.step), self.low), self.high)
        value = coefficient if needed else 0.0
        return value, {"coefficient": coefficient, "value": value}


_state = {"coefficient": 0.25, "value": 0.0}
witness = (
    Witness(
        EntropyFloor(target=1.0, step=0.125),
        parent=AdaptiveCoefficient(target=1.0),
        given={"observed": 0.5, "state": _state},
        returns=0.375,
    ),
    Witness(
        EntropyFloor(target=1.0, step=0.5),
        parent=EntropyFloor(target=1.0, step=0.125),
        given={"observed": 0.5, "state": _state},
        returns=0.75,
    ),
    Witness(EntropyFloor(target=0.25), parent=EntropyFloor(target=1.0), given={"observed": 0.5, "state": _state}, returns=0.0),
    Witness(
        EntropyFloor(target=1.0, step=0.125, high=0.3),
        parent=EntropyFloor(target=1.0, step=0.125),
        given={"observed": 0.5, "state": _state},
        returns=0.3,
    ),
)
