"""Only: the components that are learned from, by name; all others are watched.

    reward = combine(the components in ``names``)        [B]

The other side of ``without``: a recipe that makes its own rewards knows what these are called, and not what a task will bring beside them.

Source: as for ``without``.
Differs from Without: what is new is watched, and not learned from.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import torch

from guerdon.catalogue import unknown
from guerdon.errors import InputError
from guerdon.feedback.combining import Combining, watched_by
from guerdon.feedback.combining.weigh import Weigh
from guerdon.feedback.combining.without import Without
from guerdon.quantities import B
from guerdon.witness import Witness


@dataclass(frozen=True)
class Only:
    names: tuple[str, ...]
    combine: Combining = Weigh()

    def __call__(self, components: Mapping[str, B]) -> B:
        for name in self.names:
            if name not in components:
                raise InputError(unknown("reward component to learn from", name, list(components)))
        return self.combine({name: components[name] for name in self.names})

    def only_watched(self, names: Iterable[str]) -> frozenset[str]:
        return frozenset(set(names) - set(self.names)) | watched_by(self.combine, self.names)


_components = {"truth": torch.tensor([1.0, 0.0]), "vote": torch.tensor([0.0, 1.0])}
witness = (
    Witness(Only(("vote",)), parent=Without(("vote",)), given={"components": _components}, returns=[0.0, 1.0]),
    Witness(Only(("vote",), Weigh({"vote": 2.0})), parent=Only(("vote",)), given={"components": _components}, returns=[0.0, 2.0]),
)
