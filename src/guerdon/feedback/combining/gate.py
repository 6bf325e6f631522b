"""Gate: the other components count only where one of them passes a threshold.

    reward = combine(all components)            where component[by] >= threshold, or ``by`` does not apply to the sample
             combine(component[by] alone)       elsewhere                                                          [B]

So with the gate "correct" a wrong answer cannot buy back its reward by style; with ``combine=Weigh({"format": 0})`` and the gate
"format" the gate itself earns nothing and an ill-formed completion gets exactly 0.

Source: none states it as an equation; it is the gate of practice, as among the rubric containers of OpenEnv, and the form under which
verifiable rewards count only well-formed answers. ``threshold`` 0.5 separates the 0 and 1 of a verifier.
Differs from Weigh: nothing outweighs the gate.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import torch

from guerdon.catalogue import unknown
from guerdon.errors import InputError
from guerdon.feedback.combining import Combining, watched_by
from guerdon.feedback.combining.weigh import Weigh
from guerdon.quantities import B
from guerdon.thresholds import reaches
from guerdon.witness import Witness


@dataclass(frozen=True)
class Gate:
    by: str
    threshold: float = 0.5
    combine: Combining = Weigh()

    def __call__(self, components: Mapping[str, B]) -> B:
        if self.by not in components:
            raise InputError(unknown("reward component to gate by", self.by, list(components)))
        gate = components[self.by]
        passes = reaches(gate, self.threshold) | gate.isnan()
        kept = {name: value if name == self.by else torch.where(passes, value, torch.nan) for name, value in components.items()}
        return self.combine(kept)

    def only_watched(self, names: Iterable[str]) -> frozenset[str]:
        return watched_by(self.combine, names) - {self.by}


_nan = float("nan")
_components = {"correct": torch.tensor([1.0, 0.0, 0.4, _nan]), "style": torch.tensor([0.25, 0.25, _nan, 0.25])}
witness = (
    Witness(Gate("correct"), parent=Weigh(), given={"components": _components}, returns=[1.25, 0.0, 0.4, 0.25]),
    Witness(
        Gate("correct", threshold=0.4, combine=Weigh({"correct": 0.0})),
        parent=Gate("correct"),
        given={"components": {"correct": torch.tensor([1.0, 0.4, 0.3]), "style": torch.tensor([0.25, 0.25, 0.25])}},
        returns=[0.25, 0.25, 0.0],
    ),
)
