"""Uncertainty weighted: several opinions count as their mean, less what they differ by.

    ensemble = mean over members of component_k - weight * mean over members of (component_k - mean)^2        [B]; over those that apply
    reward   = combine(ensemble, the other components)

``members``: the names of the rewards that are opinions of one thing; none: all components are. ``weight`` is in one unit of the reward per unit of it squared.

Source: uncertainty-weighted optimisation (UWO), Coste et al. 2023, arXiv 2310.02743, and its authors' code (llm_optimization), whose variance is over the members for best of n, as
here, and the unbiased one for PPO. ``weight`` 0.5: ours; their code has 1.
Differs from WorstCase: what one member alone says is punished by the square, and the larger an ensemble the less one of them counts.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from torch import Tensor

from guerdon.feedback.combining import Combining, watched_by
from guerdon.feedback.combining._members import others, together
from guerdon.feedback.combining.weigh import Weigh
from guerdon.feedback.combining.worst_case import WorstCase, _components, _style
from guerdon.quantities import B
from guerdon.witness import Witness


@dataclass(frozen=True)
class UncertaintyWeighted:
    weight: float = 0.5
    members: tuple[str, ...] = ()
    combine: Combining = Weigh()

    def __call__(self, components: Mapping[str, B]) -> B:
        return together(components, self.members, self._lowered, self.combine)

    def _lowered(self, opinions: Tensor) -> B:
        mean = opinions.nanmean(0)
        return mean - self.weight * ((opinions - mean) ** 2).nanmean(0)

    def only_watched(self, names: Iterable[str]) -> frozenset[str]:
        return watched_by(self.combine, others(names, self.members))


_nan = float("nan")
_both = ("one", "other")
witness = (
    Witness(UncertaintyWeighted(), parent=WorstCase(), given={"components": _components}, returns=[1.375, 0.375, 4.0, _nan]),
    Witness(UncertaintyWeighted(0.0), parent=UncertaintyWeighted(), given={"components": _components}, returns=[1.5, 1.5, 4.0, _nan]),
    Witness(
        UncertaintyWeighted(members=_both), parent=UncertaintyWeighted(), given={"components": _style}, returns=[1.875, 0.875, 4.5, 0.5]
    ),
    Witness(
        UncertaintyWeighted(members=_both, combine=Weigh({"style": 0.0})),
        parent=UncertaintyWeighted(members=_both),
        given={"components": _style},
        returns=[1.375, 0.375, 4.0, 0.0],
    ),
)
