"""By priority: a component counts only where everything of a higher priority has come up to its threshold.

    reward = sum over k of component_k * [component_j >= threshold_j for all j that stand before k in ``order``]        [B]

``order`` names components, the highest first; one that is not named has the lowest priority, behind all of them. ``thresholds`` are in the same order; those that are missing
are 0.5. A component that does not apply to a sample (NaN) opens the gate and adds nothing. What turns earned is summed up before (component ``environment``), so that immediate
rewards are paid to an episode that came to something, and to no other.

Source: Gated Reward Accumulation (G-RA), arXiv 2508.10548: immediate rewards are accumulated only where rewards of higher priority reach their threshold.
Differs from Gate: a chain of gates, each of which counts by itself.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import torch

from guerdon.catalogue import unknown
from guerdon.errors import InputError
from guerdon.feedback.combining import Combining, watched_by
from guerdon.feedback.combining.gate import Gate
from guerdon.feedback.combining.weigh import Weigh
from guerdon.quantities import B
from guerdon.thresholds import reaches
from guerdon.witness import Witness


@dataclass(frozen=True)
class ByPriority:
    order: tuple[str, ...]
    thresholds: tuple[float, ...] = ()
    combine: Combining = Weigh()

    def __post_init__(self) -> None:
        if not self.order or len(self.thresholds) > len(self.order):
            raise InputError(
                f"by_priority: name at least one component in order, and at most as many thresholds, not {self.thresholds} for {self.order}"
            )

    def __call__(self, components: Mapping[str, B]) -> B:
        for name in self.order:
            if name not in components:
                raise InputError(unknown("reward component in order", name, list(components)))
        bounds = (*self.thresholds, *[0.5] * (len(self.order) - len(self.thresholds)))
        open_ = torch.ones_like(components[self.order[0]], dtype=torch.bool)
        kept = {}
        for name, bound in zip(self.order, bounds, strict=True):
            value = components[name]
            kept[name] = torch.where(open_, value, torch.nan)
            open_ = open_ & (reaches(value, bound) | value.isnan())
        rest = {name: torch.where(open_, value, torch.nan) for name, value in components.items() if name not in kept}
        return self.combine({name: {**kept, **rest}[name] for name in components})

    def only_watched(self, names: Iterable[str]) -> frozenset[str]:
        return watched_by(self.combine, names) - set(self.order)


_nan = float("nan")
_components = {
    "solved": torch.tensor([1.0, 1.0, 0.25, 1.0]),
    "tool": torch.tensor([0.75, 0.25, 1.0, _nan]),
    "format": torch.tensor([0.125, 0.125, 0.125, 0.125]),
}
witness = (
    Witness(ByPriority(("solved", "tool")), parent=Gate("solved"), given={"components": _components}, returns=[1.875, 1.25, 0.25, 1.125]),
    Witness(
        ByPriority(("solved", "tool"), thresholds=(0.2, 0.2)),
        parent=ByPriority(("solved", "tool")),
        given={"components": _components},
        returns=[1.875, 1.375, 1.375, 1.125],
    ),
    Witness(
        ByPriority(("solved",), combine=Weigh({"tool": 2.0})),
        parent=ByPriority(("solved",)),
        given={"components": _components},
        returns=[2.625, 1.625, 0.25, 1.125],
    ),
    Witness(
        ByPriority(("tool", "solved")),
        parent=ByPriority(("solved", "tool")),
        given={"components": _components},
        returns=[1.875, 0.25, 1.25, 1.125],
    ),
)
