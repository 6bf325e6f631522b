"""Crediting: from rollouts with a reward to all that the losses read of them and that is known before the first gradient step.

    actions → segments
    reward on the last step, or where turns earned it + rewards of steps - penalties of the reward → step reward → advantage, target

Views and critics are measured here, once for all gradient steps on these rollouts.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from guerdon.credit.advantages import Advantage
from guerdon.errors import InputError
from guerdon.feedback.combining import watched_by
from guerdon.memory import AtOnce
from guerdon.models import Model, Policy
from guerdon.parts import call, describe, is_part, needs, stateful
from guerdon.quantities import Name
from guerdon.sequences import Batch, Sequences
from guerdon.steps import on_last, total
from guerdon.training.dense import dense_rewards
from guerdon.training.measuring import attach_views, compared, measured
from guerdon.training.off_policy import observe_distance
from guerdon.training.recipe import Recipe, Term
from guerdon.training.tally import Tally


def members(part: Any) -> int:
    """How many sequences a group has to have for the part, or what it wraps, to say anything of it."""
    nested = [getattr(part, f.name) for f in dataclasses.fields(part)] if dataclasses.is_dataclass(part) else []
    return max([getattr(part, "members", 1), *(members(p) for p in nested if is_part(p))])


def _remembering_within(part: Any) -> Any:
    """A part inside this one that carries state; None where there is none."""
    nested = [getattr(part, f.name) for f in dataclasses.fields(part)] if dataclasses.is_dataclass(part) else []
    for inner in (p for p in nested if is_part(p)):
        found = inner if stateful(inner) else _remembering_within(inner)
        if found is not None:
            return found
    return None


class Crediting:
    """Measures views and critics on the rollouts, and calls the recipe's advantage and target.

    Args:
        names: what the recipe's parts read.
        views: the bound models, and the policy as what it is before the first gradient step (``Views.beforehand``).
        critics: the models of the recipe's learners; what they say now and the policy does not is kept as ``old_...`` (what both say is asked of a learner by
            its name: ``prm_logp``).
        tokens: of a micro-batch.
        advantage: the recipe's, for what it remembers of earlier batches: ``memory``.

    Raises:
        InputError: a part within the advantage remembers, which only the advantage itself can.
    """

    def __init__(
        self,
        policy: Policy,
        names: set[Name],
        views: Mapping[str, Model],
        critics: Mapping[str, Model],
        tokens: AtOnce,
        advantage: Advantage | None = None,
    ):
        self.policy, self.names, self.views, self.critics, self.tokens = policy, names, views, critics, tokens
        if (within := _remembering_within(advantage)) is not None:
            raise InputError(
                f"recipe.advantage: {describe(within)} remembers earlier batches, which it cannot do within {describe(advantage)}; let it be the advantage itself"
            )
        self.memory: dict[str, Any] | None = advantage.init() if stateful(advantage) else None

    def __call__(self, rollouts: Sequences, recipe: Recipe, tally: Tally, shown: Sequence[tuple[Any, Any]] = ()) -> Batch:
        """The rollouts as a batch, with everything attached. ``shown``: prompts and completions as rewards see them, for rewards of steps."""
        batch = Batch({"": rollouts})
        if not len(rollouts):
            return batch
        attach_views(batch, self.names, self.views, self.tokens)
        own = {n.quantity for n in self.names if n.view in ("old", "")} - set(self.policy.measures)
        for critic in self.critics.values():
            for quantity, value in measured(critic, rollouts, critic.measures & own, self.tokens).items():
                rollouts.quantities[f"old_{quantity}"] = value
        quantities = {**rollouts.quantities, "mask": rollouts.mask, "action": rollouts.actions}
        if recipe.segments is not None:
            quantities["segment"] = call(recipe.segments, {**quantities, "token_text": getattr(self.policy, "token_text", None)})
        if "proximal_logp" in quantities and "old_logp" in quantities:
            observe_distance(quantities["proximal_logp"] - quantities["old_logp"], rollouts.mask, tally)
        dense = on_last(quantities["reward"], rollouts.mask)
        if "turn_reward" in quantities:  # what turns earned stands where they end, and the rest of the reward at the end of all
            earned = quantities["turn_reward"].to(dense)
            dense = dense + earned - on_last(total(earned, rollouts.mask), rollouts.mask)
        if recipe.dense:
            dense = dense + dense_rewards(self.policy, recipe, rollouts, quantities.get("segment"), shown, tally)
        now = self._compare(rollouts, recipe.reward_penalties)
        for penalty in recipe.reward_penalties:
            with torch.no_grad():
                known = {**quantities, **now, **({"logp": quantities["old_logp"]} if "old_logp" in quantities else {})}
                cost = torch.where(rollouts.mask, call(penalty.loss, known), 0.0)
            dense = dense - penalty.weight * cost
            tally.add("reward_penalty", total(cost, rollouts.mask))
        quantities["step_reward"], quantities["outcome"] = dense, quantities["reward"]
        if recipe.reward_penalties or recipe.dense:
            quantities["reward"] = total(dense, rollouts.mask)
        if recipe.advantage is not None:
            size = torch.unique(quantities["group"], return_counts=True)[1]
            if (few := size < members(recipe.advantage)).any():
                tally.add("frac_groups_too_small", few.double())
            quantities["advantage"] = self._advantage(recipe, quantities)
            tally.add("advantage/absolute", quantities["advantage"].abs(), rollouts.mask)
        if recipe.target is not None:
            quantities["target"] = call(recipe.target, quantities)
        rollouts.quantities.update({k: v for k, v in quantities.items() if k not in ("mask", "action")})
        return batch

    def _advantage(self, recipe: Recipe, quantities: Mapping[str, Tensor]) -> Tensor:
        """A part that looks at each reward by itself, ``of`` their names, is told which there are; those that are only watched are none."""
        advantage = recipe.advantage
        if hasattr(advantage, "of"):
            names = [name.removeprefix("component_") for name in quantities if name.startswith("component_")]
            watched = watched_by(recipe.combine, names)
            advantage = advantage.of([name for name in names if name not in watched])
        components_there(advantage, quantities, "recipe.advantage")
        if self.memory is None:
            return call(advantage, quantities)
        found, self.memory = call(advantage, quantities, state=self.memory)
        return found

    def _compare(self, rollouts: Sequences, penalties: tuple[Term, ...]) -> dict[str, Tensor]:
        """What penalties of the reward read of the policy beside a view. It is not kept with the rollouts: the losses measure theirs with
        gradients."""
        comparing = compared(self.policy, self.views)
        names = {n for penalty in penalties for n in needs(penalty.loss) if str(Name.parse(n).family) in comparing}
        return measured(self.policy, rollouts, names, self.tokens, self.views) if names else {}


def learned(batch: Batch, recipe: Recipe) -> Batch:
    """Those of the credited rollouts that the recipe learns from."""
    rollouts = batch.sides[""]
    keep = torch.ones(len(rollouts), dtype=torch.bool)
    for selection in recipe.learned if len(rollouts) else ():
        keep = keep & call(selection, {**rollouts.quantities, "mask": rollouts.mask}).to(keep)
    return batch if keep.all() else batch.select(keep.nonzero().squeeze(-1))


def components_there(part: Any, quantities: Mapping[str, Tensor], place: str) -> None:
    """Refuse a part that reads a reward by its name where none is called so.

    Raises:
        InputError: that.
    """
    asked = {name.removeprefix("component_") for name in needs(part) if name.startswith("component_")}
    there = {name.removeprefix("component_") for name in quantities if name.startswith("component_")}
    if missing := sorted(asked - there):
        raise InputError(
            f"{place}: {describe(part)} reads the reward {missing[0]!r}, and rewards are called {', '.join(sorted(there))}; name them "
            f"so (reward: {{{missing[0]}: ...}}), or tell the part their names"
        )
