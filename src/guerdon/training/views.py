"""Views: the models that names with a view refer to (``ref_logp``), bound once, moved by updates."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch

from guerdon.errors import InputError
from guerdon.models import Model, Policy
from guerdon.models.language.four_bits import load_state, state_of
from guerdon.models.resting import Resting, can_rest
from guerdon.models.sharding import whole
from guerdon.quantities import Name
from guerdon.training.remembering import Remembering

# What the policy itself says of rollouts before the first gradient step on them. It has no model of its own unless an update writes one, such as a moving
# average of the policy (PPO-EWMA of Hilton et al., arXiv 2110.00641).
PROXIMAL = "proximal"

# Views that are made from the policy as it is at the start. So is any other that an update writes and no model is bound to.
COPIES = ("ref", "ema")


class Views:
    """The bound models: ``ref`` and ``ema`` are made when a part reads them or an update writes them, and not otherwise. ``acting`` are views that sample,
    ``learning`` those of ``models`` that are trained along: what they say is asked of them as they stand.

    Attributes:
        bound: view → model.
        models: name → every model besides the policy (critics, teachers).
    """

    def __init__(
        self,
        policy: Policy,
        names: Iterable[Name],
        updates: tuple[Any, ...],
        models: Mapping[str, Model],
        acting: Iterable[str] = (),
        learning: Iterable[str] = (),
    ):
        self.policy, self.updates, self.models = policy, updates, dict(models)
        self.moving = {update.into for update in updates}
        wanted = {name.view for name in names} | self.moving | set(acting)
        self.copies = tuple(sorted((set(COPIES) & wanted) | (self.moving - set(self.models))))
        self.bound: dict[str, Model] = {view: policy.reference() for view in self.copies}
        self.bound |= {view: model for view, model in self.models.items() if view in wanted}
        self.acting, self.learning = frozenset(acting), frozenset(learning)
        for view in self.moving:
            if self.bound[view].module is policy.module:
                raise InputError(
                    f"recipe.updates: the {view!r} view is the policy with its adapters off and cannot move; train without lora"
                )
        for view in set(self.copies) - self.moving:
            if hasattr(self.bound.get(view), "settle"):
                self.bound[view].settle()

    @property
    def beforehand(self) -> dict[str, Model]:
        """What is asked before the first gradient step on a batch: the bound models, and the policy as it then stands."""
        return {PROXIMAL: self.policy, **self.bound}

    def rest(self) -> None:
        """Let the weights of frozen views lie in the host's memory while nothing is measured by them.

        Raises:
            InputError: there are none that could.
        """
        resting = {
            view: Resting(model)
            for view, model in self.bound.items()
            if view not in self.acting | self.learning and can_rest(model, self.policy)
        }
        if not resting:
            off = [view for view, model in self.bound.items() if getattr(model, "module", None) is self.policy.module]
            why = (
                f"the {off[0]!r} view is the policy with its adapters off" if off else "the recipe compares the policy with no frozen model"
            )
            why = "it draws at every token as well" if self.acting & set(self.bound) else why
            raise InputError(f"budget.offload: there is no reference that could lie elsewhere, since {why}; leave reference out")
        self.bound |= resting

    def remember(self, folder: Path) -> None:
        """Let no view that does not move measure a row twice."""
        for view, model in self.bound.items():
            if view not in self.moving and hasattr(model, "tokenizer"):
                self.bound[view] = Remembering(model, folder)

    def update(self, step: int) -> dict[str, float]:
        """Apply every update; returns how far each moved view now is from the policy (root mean square over parameters)."""
        far = {}
        for update in self.updates:
            now, copy = self.policy.module.parameters(), self.bound[update.into].module.parameters()
            square, count = 0.0, 0
            with torch.no_grad():
                for a, b in zip(map(whole, now), copy, strict=True):
                    b.copy_(update(step=step, now=a, copy=b.to(a.device)))
                    square, count = square + float((a - b.to(a.device)).square().sum()), count + a.numel()
            far[f"updates/{update.into}_distance"] = (square / max(count, 1)) ** 0.5
        return far

    def state(self) -> dict[str, Any]:
        """Parameters of the views that move; the others are what they were at the start."""
        return {view: state_of(self.bound[view].module) for view in self.moving} | {"start": self._start()}

    def _start(self) -> dict[str, Any]:
        """Frozen copies have to be kept too: at resumption the policy has already moved."""
        fixed = {v: m for v, m in self.bound.items() if v in self.copies and v not in self.moving and m.module is not self.policy.module}
        return {view: state_of(model.module) for view, model in fixed.items()}

    def restore(self, state: Mapping[str, Any]) -> None:
        for view, parameters in {**state, **state["start"]}.items():
            if view != "start":
                load_state(self.bound[view].module, parameters)
