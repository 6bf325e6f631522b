"""Worst case: of several opinions of an answer the least counts.

    ensemble = min over members k of component_k        [B]; NaN where none applies
    reward   = combine(ensemble, the other components)

Members are reward models that were trained apart on the same comparisons: where they know something they agree, and where one of them was never told, another says less.
All of them can still be wrong together.

``members``: their names; none: all components are.

Source: worst-case optimisation (WCO), Coste et al. 2023, arXiv 2310.02743, and its authors' code (llm_optimization).
Differs from WorstGroup: the least of each answer, not of the member who fares worst on average.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from guerdon.feedback.combining import Combining, watched_by
from guerdon.feedback.combining._members import others, together
from guerdon.feedback.combining.weigh import Weigh
from guerdon.feedback.combining.worst_group import WorstGroup
from guerdon.quantities import B
from guerdon.witness import Witness


@dataclass(frozen=True)
class WorstCase:
    members: tuple[str, ...] = ()
    combine: Combining = Weigh()

    def __call__(self, components: Mapping[str, B]) -> B:
        return together(components, self.members, _least, self.combine)

    def only_watched(self, names: Iterable[str]) -> frozenset[str]:
        return watched_by(self.combine, others(names, self.members))


def _least(opinions: Tensor) -> B:
    least = opinions.nan_to_num(nan=torch.inf, posinf=torch.inf, neginf=-torch.inf).amin(0)
    return torch.where(opinions.isnan().all(0), torch.nan, least)


_nan = float("nan")
_components = {"one": torch.tensor([1.0, 3.0, _nan, _nan]), "other": torch.tensor([2.0, 0.0, 4.0, _nan])}
_style = _components | {"style": torch.tensor([0.5, 0.5, 0.5, 0.5])}
witness = (
    Witness(WorstCase(), parent=WorstGroup(), given={"components": _components}, returns=[1.0, 0.0, 4.0, _nan]),
    Witness(WorstCase(("one", "other")), parent=WorstCase(), given={"components": _style}, returns=[1.5, 0.5, 4.5, 0.5]),
    Witness(
        WorstCase(("one", "other"), Weigh({"style": 2.0})),
        parent=WorstCase(("one", "other")),
        given={"components": _style},
        returns=[2.0, 1.0, 5.0, 1.0],
    ),
)
