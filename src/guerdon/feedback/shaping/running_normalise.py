"""Running normalise: the reward in deviations from the mean of all rewards so far.

    state  -> merged with the batch, by  d = mean_b - mean,  n = count + count_b:
              mean + d * count_b / n,   M2 + M2_b + d^2 * count * count_b / n,   n
    reward -> (reward - mean) / (sqrt(M2 / n) + epsilon)        [B], with the merged state; 0 while all rewards were equal

The state is ``{"count", "mean", "M2"}``, plain numbers: M2 is the sum of squared deviations from the mean. The batch is merged before it
is normalised, so the first batch is normalised by its own statistics. ``centre=False`` divides only, which keeps the sign of a reward.

Source: normalisation of the reward by its running mean and deviation: Secrets of RLHF, arXiv 2307.04964, section 5.3.1; the merge of
two samples: Chan, Golub and LeVeque 1983, the updating formulae for sums of squares (Welford 1962 for one value at a time).
``epsilon`` 1e-8: the customary guard of running normalisers.
Differs from BatchNormalise: a batch that is better than the ones before it stays better.
Invalid where the scale of rewards drifts faster than the past is outweighed: nothing is forgotten.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import torch

from guerdon.feedback.shaping.batch_normalise import BatchNormalise
from guerdon.quantities import B
from guerdon.witness import Witness


@dataclass(frozen=True)
class RunningNormalise:
    per_batch: ClassVar[bool] = True

    centre: bool = True
    epsilon: float = 1e-8

    def init(self) -> dict[str, Any]:
        return {"count": 0, "mean": 0.0, "M2": 0.0}

    def __call__(self, reward: B, state: dict[str, Any]) -> tuple[B, dict[str, Any]]:
        state = merge(state, moments(reward))
        mean = state["mean"] if self.centre else 0.0
        deviation = (state["M2"] / max(state["count"], 1)) ** 0.5
        if deviation <= 1e-6 * abs(state["mean"]):  # equal rewards, or their rounding noise
            return (torch.zeros_like(reward) if self.centre else reward.clone()), state
        return (reward - mean) / (deviation + self.epsilon), state


def moments(reward: B) -> dict[str, Any]:
    """Count, mean and sum of squared deviations of one batch, in double precision."""
    values = reward.detach().double()
    mean = values.mean().item() if len(values) else 0.0
    return {"count": len(values), "mean": mean, "M2": ((values - mean) ** 2).sum().item()}


def merge(a: dict[str, Any], b: dict[str, Any]) -> dict[str, Any]:
    """The statistics of two samples together, from those of each."""
    count = a["count"] + b["count"]
    if count == 0:
        return dict(a)
    apart = b["mean"] - a["mean"]
    return {
        "count": count,
        "mean": a["mean"] + apart * b["count"] / count,
        "M2": a["M2"] + b["M2"] + apart**2 * a["count"] * b["count"] / count,
    }


_before = {"count": 2, "mean": 1.0, "M2": 2.0}  # the rewards 0 and 2
witness = (
    Witness(  # 0, 2, 4, 6: mean 3, variance (9 + 1 + 1 + 9) / 4 = 5
        RunningNormalise(epsilon=0.0),
        parent=BatchNormalise(epsilon=0.0),
        given={"reward": [4.0, 6.0], "state": _before},
        returns=[1 / 5**0.5, 3 / 5**0.5],
    ),
    Witness(
        RunningNormalise(centre=False, epsilon=0.0),
        parent=RunningNormalise(epsilon=0.0),
        given={"reward": [4.0, 6.0], "state": _before},
        returns=[4 / 5**0.5, 6 / 5**0.5],
    ),
)
