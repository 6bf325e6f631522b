"""Ways of protection: what is done to a learned reward, or to the objective that it stands in, so that it is not exploited.

A way makes of a situation and its settings the policies at several prices. Where it has no setting of its own only the ridge of the reward model is tuned, which every way has.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from guerdon.exact.solvers.best_of_n_distribution import BestOfNDistribution
from guerdon.feedback.combining.uncertainty_weighted import UncertaintyWeighted
from guerdon.feedback.combining.worst_case import WorstCase
from studies.what_protects._policies import at_mean, by_chi_squared, by_forward_kl, by_kl, by_uncertain_kl, within
from studies.what_protects._situations import SITUATIONS, proxies

BUDGETS = (0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0)  # nats
DRAWS = (2, 4, 8, 16, 32, 64, 128, 256, 512)  # whose KL is from 0.2 to 5.2 nats
BASE = "one reward model"


@dataclass(frozen=True)
class At:
    """A situation of a seed: what every way has before it."""

    situation: str
    seed: int
    ridge: float

    @property
    def reference(self) -> Tensor:
        return SITUATIONS[self.situation].world(self.seed).reference()

    @property
    def marks(self) -> Tensor:
        """[C, A], the sum of an answer's marks, which whoever runs it can count."""
        world = SITUATIONS[self.situation].world(self.seed)
        return world.features()[:, world.causes :].sum(-1).view(world.contexts, world.answers)

    def members(self, resampled: bool = False) -> Tensor:
        """[E, C, A]"""
        return proxies(self.situation, self.seed, self.ridge, resampled)

    @property
    def one(self) -> Tensor:
        """[C, A]"""
        return proxies(self.situation, self.seed, self.ridge, members=1)[0]


@dataclass(frozen=True)
class Way:
    """``policies(at, **settings)`` [P, C, A]; ``grid``: the settings that are tried besides the ridge; ``kind``: under which heading it stands."""

    kind: str
    policies: Callable[..., Tensor]
    grid: dict[str, tuple[Any, ...]] = field(default_factory=dict)


def tilt(reward: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """The KL-regularised policies of a reward that is made of the situation."""
    return lambda at, **setting: within(BUDGETS, at.reference, by_kl(reward(at, **setting), at.reference))


def clipped(at: At, bound: float) -> Tensor:
    """Not beyond so many deviations of the reference."""
    deviation = (at.reference * at.one.square()).sum(-1, keepdim=True).sqrt()  # scores have mean 0 under it
    return at.one.minimum(bound * deviation).maximum(-bound * deviation)


def above_references(at: At, steepness: float) -> Tensor:
    """PAR with every answer of the reference in its turn: the probability of being preferred to one."""
    gap = steepness * (at.one.unsqueeze(-1) - at.one.unsqueeze(-2))
    return (torch.sigmoid(gap) * at.reference.unsqueeze(-2)).sum(-1)


def log_above(at: At, quantile: float) -> Tensor:
    """LSC, against a quantile of what the reference says."""
    order = at.one.argsort(-1)
    reached = at.reference.gather(-1, order).cumsum(-1)
    place = (reached < quantile).sum(-1, keepdim=True).clamp(max=at.one.shape[-1] - 1)
    return logsigmoid(at.one - at.one.gather(-1, order.gather(-1, place)))


def together(how: Any, resampled: bool = False) -> Callable[..., Tensor]:
    """What a rule of combining makes of the ensemble."""

    def combined(at: At, **setting: float) -> Tensor:
        members = at.members(resampled)
        rule = how(**setting)
        return rule({str(e): member.flatten() for e, member in enumerate(members)}).view(members.shape[1:])

    return combined


def unmarked(at: At) -> Tensor:
    """What the reward says beyond what it would say by the marks alone: the residual of a regression under the reference."""
    marks = at.marks - (at.reference * at.marks).sum(-1, keepdim=True)
    slope = (at.reference * marks * at.one).sum() / (at.reference * marks.square()).sum()
    return at.one - slope * marks


def uncertain(at: At) -> Tensor:
    members = at.members()
    variance = members.var(0)
    floor = 0.1 * (at.reference * variance).sum(-1, keepdim=True)
    return within(BUDGETS, at.reference, by_uncertain_kl(members.mean(0), variance + floor, at.reference))


WAYS = {
    BASE: Way("nothing but the KL", tilt(lambda at: at.one)),
    "clip": Way("transform", tilt(clipped), {"bound": (1.0, 2.0, 4.0)}),
    "reference sigmoid (PAR)": Way("transform", tilt(above_references), {"steepness": (0.5, 1.0, 2.0)}),
    "log sigmoid (LSC)": Way("transform", tilt(log_above), {"quantile": (0.15, 0.5, 0.85)}),
    "marks regressed out": Way("transform", tilt(unmarked)),
    "mean of five": Way("ensemble", tilt(lambda at: at.members().mean(0))),
    "worst of five (WCO)": Way("ensemble", tilt(together(WorstCase))),
    "worst of five, resampled": Way("ensemble", tilt(together(WorstCase, resampled=True))),
    "less their variance (UWO)": Way("ensemble", tilt(together(UncertaintyWeighted)), {"weight": (0.5, 2.0, 8.0)}),
    "less their variance, resampled": Way("ensemble", tilt(together(UncertaintyWeighted, resampled=True)), {"weight": (0.5, 2.0, 8.0)}),
    "marks held at their mean": Way("constraint", lambda at: within(BUDGETS, at.reference, at_mean(at.one, at.marks, at.reference))),
    "chi-squared": Way("divergence", lambda at: within(BUDGETS, at.reference, by_chi_squared(at.one, at.reference))),
    "forward KL": Way("divergence", lambda at: within(BUDGETS, at.reference, by_forward_kl(at.one, at.reference))),
    "KL where uncertain": Way("divergence", uncertain),
    "best of n": Way("divergence", lambda at: torch.stack([BestOfNDistribution(n)(at.one, at.reference)["policy"] for n in DRAWS])),
}
