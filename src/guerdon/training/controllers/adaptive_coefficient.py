"""Adaptive coefficient: hold a statistic at its target by raising or lowering the knob in proportion to the error.

    value *= 1 + clip(observed / target - 1, -0.2, 0.2) * (sequences seen since) / horizon

Source: Ziegler et al. 2019, Fine-tuning language models from human preferences, arXiv 1909.08593, section 2.2 (there with the gain 0.1 per step; the form with a horizon
is that of its published code). Defaults: target 6 nats, horizon 10,000 sequences: the same code.
"""

from dataclasses import dataclass

from guerdon.witness import Witness


@dataclass(frozen=True)
class AdaptiveCoefficient:
    initial: float = 0.2
    target: float = 6.0
    horizon: float = 10_000
    statistic: str = "kl"
    bound: float = 0.2

    def init(self) -> dict[str, float]:
        return {"value": self.initial}

    def __call__(self, observed: float, state: dict[str, float], sequences: int = 1) -> tuple[float, dict[str, float]]:
        error = min(max(observed / self.target - 1, -self.bound), self.bound)
        value = state["value"] * (1 + error * sequences / self.horizon)
        return value, {"value": value}


witness = (
    Witness(
        AdaptiveCoefficient(target=10.0, horizon=10),
        given={"observed": 11.0, "state": {"value": 1.0}, "sequences": 5},
        returns=1.05,
    ),
    Witness(  # the error of 9 is cut to 0.2
        AdaptiveCoefficient(target=10.0, horizon=10),
        parent=AdaptiveCoefficient(target=10.0, horizon=10, bound=10.0),
        given={"observed": 100.0, "state": {"value": 1.0}, "sequences": 5},
        returns=1.1,
    ),
)
