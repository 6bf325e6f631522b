"""Simulated annotator: a person who prefers what is better, more surely the larger the difference, with slips, a bias and limited patience.

    seen(x)    = utility(x) + bias_weight * bias(x)
    preferred  = sigmoid(rationality * (seen(first) - seen(second)))                       Boltzmann rationality
    P(first)   = (1 - flip) * preferred + flip * (1 - preferred)                           [N]

``first`` and ``second`` are gold utilities; ``first_bias`` and ``second_bias`` a feature of the candidates that is no merit but sways the
person (length, say), in units of which ``bias_weight`` gives the utility. ``rationality`` infinite is a person who errs by slips only,
and tosses a coin between equals; 0 is a coin. ``flip`` is the probability of noting down the other verdict. ``budget`` is how many
questions the person will answer: later ones get NaN. The state is ``{"asked": n}``; the n-th question of a person (of a seed) has its own
random number, so verdicts do not depend on how questions are split into batches.

Source: the stochastic and the mistaken teacher of B-Pref, Lee et al. 2021, arXiv 2111.03026; the choice rule is Bradley and Terry's, as in
Christiano et al. 2017, arXiv 1706.03741, section 2.2.3, who reckon with answers at random in 10 % of cases: a ``flip`` of 0.05, where 0 is
the default here. ``rationality`` 1 puts utilities in units of log-odds. The biased term is the linear form of a planted spurious feature.
"""

import math
from dataclasses import dataclass
from typing import Any

import torch

from guerdon.errors import InputError
from guerdon.quantities import N
from guerdon.randomness import generator
from guerdon.witness import Witness


@dataclass(frozen=True)
class SimulatedAnnotator:
    rationality: float = 1.0
    flip: float = 0.0
    bias_weight: float = 0.0
    budget: int | None = None  # None: answers every question

    def __post_init__(self) -> None:
        if not self.rationality >= 0 or not 0 <= self.flip <= 1 or (self.budget is not None and self.budget < 0):
            raise InputError(
                "a simulated annotator has rationality >= 0, flip between 0 and 1 and budget >= 0 or none, "
                f"not {self.rationality}, {self.flip} and {self.budget}"
            )

    def init(self) -> dict[str, Any]:
        return {"asked": 0}

    def __call__(
        self, first: N, second: N, seed: int, state: dict[str, Any], first_bias: N | None = None, second_bias: N | None = None
    ) -> tuple[N, dict[str, Any]]:
        probability = self.probability(first, second, first_bias, second_bias)
        left = len(first) if self.budget is None else min(len(first), max(self.budget - state["asked"], 0))
        verdict = torch.full_like(probability, torch.nan)
        uniforms = [_uniform(seed, state["asked"] + question) for question in range(left)]
        verdict[:left] = (torch.tensor(uniforms, dtype=torch.float64) < probability[:left].double().cpu()).to(verdict)
        return verdict, {"asked": state["asked"] + left}

    def probability(self, first: N, second: N, first_bias: N | None = None, second_bias: N | None = None) -> N:
        """That the first is preferred, for each pair; no question is spent."""
        if self.bias_weight and (first_bias is None or second_bias is None):
            raise InputError("the annotator's bias_weight is not 0, so it needs first_bias and second_bias: the feature of each candidate")
        apart = first - second
        if self.bias_weight:
            apart = apart + self.bias_weight * (first_bias - second_bias)
        never_errs = math.isinf(self.rationality)
        preferred = apart.heaviside(torch.full_like(apart, 0.5)) if never_errs else torch.sigmoid(self.rationality * apart)
        return (1 - self.flip) * preferred + self.flip * (1 - preferred)


def _uniform(seed: int, question: int) -> float:
    return torch.rand((), generator=generator(seed, "annotator", question), dtype=torch.float64).item()


_t = torch.tensor
_sure = SimulatedAnnotator(rationality=math.inf)
_pairs = {"first": _t([2.0, 1.0, 3.0]), "second": _t([1.0, 2.0, 0.0]), "seed": 0, "state": {"asked": 0}}
witness = (
    Witness(_sure, given=_pairs, returns=[1.0, 0.0, 1.0]),
    Witness(SimulatedAnnotator(rationality=math.inf, flip=1.0), parent=_sure, given=_pairs, returns=[0.0, 1.0, 0.0]),
    Witness(
        SimulatedAnnotator(rationality=math.inf, bias_weight=0.5),
        parent=_sure,
        given=_pairs | {"first_bias": _t([0.0, 4.0, 0.0]), "second_bias": _t([4.0, 0.0, 4.0])},
        returns=[0.0, 1.0, 1.0],  # seen: 2 to 3, 3 to 2, 3 to 2
    ),
    Witness(
        SimulatedAnnotator(rationality=math.inf, budget=3),
        parent=_sure,
        given=_pairs | {"state": {"asked": 1}},
        returns=[1.0, 0.0, math.nan],
    ),
)
