"""Self-made: what the policy says of its own rollouts becomes components of their reward.

    rollouts → recast by the scene → measured by the policy, or by a view → [B], NaN where there was nothing to measure

Each sequence is measured once for all rewards that read it, and rollouts that are not recast are not built anew.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from guerdon.errors import InputError
from guerdon.feedback.intrinsic import Intrinsic
from guerdon.feedback.running import INAPPLICABLE
from guerdon.memory import AtOnce
from guerdon.models import Model, Policy
from guerdon.parts import call, describe, needs
from guerdon.quantities import Name
from guerdon.sequences import Sequences
from guerdon.training.judging import Judged, Row, Scene
from guerdon.training.measuring import measured

COMPONENT = "component_"  # of a reward that reads completions, before its name


def measured_by(part: Intrinsic) -> frozenset[str]:
    """What has to be measured for a part: not the mask and the group, and not what other rewards say."""
    return frozenset(name for name in needs(part) if name not in ("mask", "group") and not name.startswith(COMPONENT))


class SelfMadeRewards:
    """The intrinsic rewards of a recipe, by name.

    Raises:
        InputError: the scene cannot recast, or whoever is to measure does not know a quantity that is read.
    """

    def __init__(self, intrinsic: Mapping[str, Intrinsic], policy: Policy, scene: Scene, views: Mapping[str, Model], tokens: AtOnce):
        self.intrinsic, self.policy, self.scene, self.views, self.tokens = dict(intrinsic), policy, scene, views, tokens
        for name, part in self.intrinsic.items():
            if part.by and part.by not in views:
                raise InputError(
                    f"the reward {name} is measured by {part.by!r}, and no such view is bound ({', '.join(views) or 'there are none'})"
                )
            known = self._who(part).measures
            if lacking := sorted(measured_by(part) - known):
                raise InputError(
                    f"the reward {name}, {describe(part)}, reads {', '.join(lacking)}; it may read mask, group, {', '.join(sorted(known))} of what it is measured by"
                )
            if part.recast is not None and not hasattr(scene, "recast"):
                raise InputError(f"the reward {name} is of {describe(part.recast)}, and a {type(scene).__name__} cannot say what that is")

    def __bool__(self) -> bool:
        return bool(self.intrinsic)

    def __call__(self, rollouts: Sequences, judged: Judged, rows: Sequence[Row]) -> Judged:
        """The verdicts with these components beside the others. A sample to which no other reward applies is valid where one of these does."""
        if not self.intrinsic or not len(rollouts):
            return judged
        cast: dict[Any, Sequences] = {}
        found: dict[tuple[Any, str], dict[str, Tensor]] = {}
        for part in self.intrinsic.values():  # in one order on all processes
            if part.recast not in cast:
                cast[part.recast] = rollouts if part.recast is None else self.scene.recast(part.recast, rollouts, judged, rows)
        for recast, by in dict.fromkeys((part.recast, part.by) for part in self.intrinsic.values()):
            sharing = [part for part in self.intrinsic.values() if (part.recast, part.by) == (recast, by)]
            wanted = sorted(frozenset().union(*map(measured_by, sharing)))
            found[recast, by] = measured(self._who(sharing[0]), cast[recast], wanted, self.tokens)
        made: dict[str, Tensor] = {}
        others = {f"{COMPONENT}{name}": values for name, values in judged.scored.components.items()}
        for name, part in self.intrinsic.items():
            mask = cast[part.recast].mask
            known = {**found[part.recast, part.by], **others, "mask": mask, "group": rollouts.context}
            if lacking := sorted(needs(part) - known.keys()):
                said = ", ".join(name.removeprefix(COMPONENT) for name in lacking)
                raise InputError(
                    f"the reward {name} reads the component {said}, and there are {', '.join(judged.scored.components) or 'none'}"
                )
            value = call(part, known)
            made[name] = torch.where(mask.any(-1), value.double(), torch.nan)
        return with_components(judged, made)

    def _who(self, part: Intrinsic) -> Model:
        return self.views[part.by] if part.by else self.policy


def names_of_self_made(intrinsic: Mapping[str, Intrinsic]) -> set[Name]:
    """What they read, under the view that measures it: a view is bound only where a part names it."""
    return {Name(quantity, view=part.by) for part in intrinsic.values() for quantity in measured_by(part) if part.by}


def with_components(judged: Judged, more: Mapping[str, Tensor]) -> Judged:
    """The verdicts with more components."""
    scored, clash = judged.scored, set(more) & set(judged.scored.components)
    if clash:
        raise InputError(
            f"two rewards are called {sorted(clash)[0]!r}, one that reads what was said and one that the policy makes; name one of them otherwise"
        )
    there = torch.stack([value.isfinite() for value in more.values()]).any(0)
    rescued = [one and error in (None, INAPPLICABLE) for one, error in zip(there.tolist(), scored.errors, strict=True)]
    errors = [None if fine else error for fine, error in zip(rescued, scored.errors, strict=True)]
    invalid = scored.invalid & ~torch.tensor(rescued, dtype=torch.bool)
    return replace(judged, scored=replace(scored, components={**scored.components, **more}, invalid=invalid, errors=errors))
