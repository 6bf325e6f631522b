"""Weigh: the weighted sum of the components that apply.

    reward = sum over k that apply of weight_k * component_k        [B]; NaN where none applies

``weights`` are by the component's name; a component without one counts 1, and 0 makes a component a mere metric. A component that does
not apply to a sample (NaN) is left out of its sum, not counted as 0 times something: the two agree for a sum, but a sample to which
nothing applies has no reward, and is NaN for the loop to leave out.

Source: the weighted sum of several rewards of Fine-Grained RLHF, arXiv 2306.01693; what is left out, and the default weight of 1,
as TRL does with ``reward_weights`` (which gives 0 where nothing applies).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import torch

from guerdon.catalogue import unknown
from guerdon.errors import InputError
from guerdon.quantities import B
from guerdon.witness import Witness


@dataclass(frozen=True)
class Weigh:
    weights: Mapping[str, float] = field(default_factory=dict)

    def __call__(self, components: Mapping[str, B]) -> B:
        if not components:
            raise InputError("there is no reward component to weigh: name at least one reward")
        for name in self.weights:
            if name not in components:
                raise InputError(unknown("reward component in the weights", name, list(components)))
        values = torch.stack(list(components.values()))
        weight = torch.tensor([float(self.weights.get(name, 1.0)) for name in components], dtype=values.dtype, device=values.device)
        applies = ~values.isnan()
        total = (torch.where(applies, values, torch.zeros_like(values)) * weight[:, None]).sum(0)
        return torch.where(applies.any(0), total, torch.nan)

    def only_watched(self, names: Iterable[str]) -> frozenset[str]:
        return frozenset(name for name in names if self.weights.get(name, 1.0) == 0)


_nan = float("nan")
_components = {"match": torch.tensor([1.0, 0.0, _nan, _nan]), "form": torch.tensor([1.0, 1.0, 1.0, _nan])}
witness = (
    Witness(Weigh(), given={"components": _components}, returns=[2.0, 1.0, 1.0, _nan]),
    Witness(Weigh({"form": 0.5}), parent=Weigh(), given={"components": _components}, returns=[1.5, 0.5, 0.5, _nan]),
)
