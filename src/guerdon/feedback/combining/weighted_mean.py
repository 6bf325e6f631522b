"""Weighted mean: of items that are checked, the share of their weights that is met.

    reward = sum over k that apply of weight_k * component_k / sum over k that apply of weight_k        [B]; NaN where none applies

``weights`` are by the component's name, 0 or more; a component without one counts 1. It is in the unit of its components, however many there are: prompts with a long list are not
worth more than those with a short one. With ``listed_only`` components without a weight are only watched.

Source: Rubrics as Rewards, Gunjal et al. 2025, arXiv 2507.17746, eq. 1 (explicit aggregation); RLCF, Viswanathan et al. 2025, arXiv 2507.18624 (the importance-weighted mean of a
checklist's scores). What no component speaks about has no reward, as in Weigh.
Differs from Weigh: divided by the weights that apply.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import torch

from guerdon.catalogue import unknown
from guerdon.errors import InputError
from guerdon.feedback.combining.weigh import Weigh
from guerdon.quantities import B
from guerdon.witness import Witness


@dataclass(frozen=True)
class WeightedMean:
    weights: Mapping[str, float] = field(default_factory=dict)
    listed_only: bool = False

    def __post_init__(self) -> None:
        for name, weight in self.weights.items():
            if weight < 0:
                raise InputError(
                    f"weighted_mean: the weight of {name} is {weight}; give 0 or more, and reward what should not be there by its absence"
                )

    def __call__(self, components: Mapping[str, B]) -> B:
        if not components:
            raise InputError("there is no reward component to average: name at least one reward")
        for name in self.weights:
            if name not in components:
                raise InputError(unknown("reward component in the weights", name, list(components)))
        values = torch.stack(list(components.values()))
        weight = torch.tensor([self._weight(name) for name in components], dtype=values.dtype, device=values.device).unsqueeze(-1)
        weight = torch.where(values.isnan(), torch.zeros_like(values), weight.expand_as(values))
        total = (values.nan_to_num(nan=0.0) * weight).sum(0)
        return torch.where(
            weight.sum(0) > 0, total / weight.sum(0).clamp(min=1e-300 if values.dtype == torch.float64 else 1e-38), torch.nan
        )

    def only_watched(self, names: Iterable[str]) -> frozenset[str]:
        return frozenset(name for name in names if self._weight(name) == 0)

    def _weight(self, name: str) -> float:
        return float(self.weights.get(name, 0.0 if self.listed_only else 1.0))


_nan = float("nan")
_components = {"names": torch.tensor([1.0, 0.0, _nan, _nan]), "polite": torch.tensor([1.0, 1.0, 1.0, _nan])}
witness = (
    Witness(WeightedMean(), parent=Weigh(), given={"components": _components}, returns=[1.0, 0.5, 1.0, _nan]),
    Witness(WeightedMean({"names": 3.0}), parent=WeightedMean(), given={"components": _components}, returns=[1.0, 0.25, 1.0, _nan]),
    Witness(
        WeightedMean({"names": 3.0}, listed_only=True),
        parent=WeightedMean(),
        given={"components": _components},
        returns=[1.0, 0.0, _nan, _nan],
    ),
)
