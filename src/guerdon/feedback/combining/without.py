"""Without: components that are watched and not learned from.

    reward = combine(the components that are not in ``watched``)        [B]

A watched component is measured, logged (``monitor/...``) and shown beside the reward, where the report says when the two come apart; it has no effect on what is learned. In a
configuration ``reward.watched: [number_match]`` puts this around the recipe's combining.

Source: the monitored gold reward of Gao et al. 2022, arXiv 2210.10760: the proxy is optimised, the gold is looked at.
Differs from Weigh: whoever combines never sees it, so that no rule (a gate, a worst group) can read it by mistake.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import torch

from guerdon.catalogue import unknown
from guerdon.errors import InputError
from guerdon.feedback.combining import Combining, watched_by
from guerdon.feedback.combining.weigh import Weigh
from guerdon.quantities import B
from guerdon.witness import Witness


@dataclass(frozen=True)
class Without:
    watched: tuple[str, ...]
    combine: Combining = Weigh()

    def __call__(self, components: Mapping[str, B]) -> B:
        for name in self.watched:
            if name not in components:
                raise InputError(unknown("reward component to watch", name, list(components)))
        learned = {name: value for name, value in components.items() if name not in self.watched}
        if not learned:
            raise InputError(f"every reward component is watched ({', '.join(components)}), so there is nothing to learn from")
        return self.combine(learned)

    def only_watched(self, names: Iterable[str]) -> frozenset[str]:
        return frozenset(self.watched) | watched_by(self.combine, [name for name in names if name not in self.watched])


_components = {"truth": torch.tensor([1.0, 0.0]), "vote": torch.tensor([0.0, 1.0])}
witness = (
    Witness(Without(("truth",)), parent=Weigh(), given={"components": _components}, returns=[0.0, 1.0]),
    Witness(Without(("truth",), Weigh({"vote": 2.0})), parent=Without(("truth",)), given={"components": _components}, returns=[0.0, 2.0]),
)
