"""Gathering: the rollouts of a step, those that are learned from.

    prompts → rollouts → reward components → reward → selection

Groups that selection drops are refilled with other prompts.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from guerdon.models import Model, Policy
from guerdon.parts import call, stateful
from guerdon.randomness import derive
from guerdon.sequences import Decoding, Sequences, concatenate
from guerdon.training.completions import completion_row
from guerdon.training.judging import Judged, Row, Scene
from guerdon.training.overlapping import Overlapping
from guerdon.training.prompts import Prompts, rows_at
from guerdon.training.recipe import Budget, Recipe
from guerdon.training.run import Run
from guerdon.training.tally import Tally


class Gathering:
    """Draws prompts, has them answered and judged, and keeps what the recipe's selection keeps.

    ``shown`` holds prompts and completions of the last step as rewards and judges are shown them; the quantity ``shown`` of a rollout is its place there.
    ``state()`` and ``restore()`` cover the order of prompts, what shapings remember, and the scene.
    """

    def __init__(
        self,
        policy: Policy,
        scene: Scene,
        rows: Sequence[Row],
        recipe: Recipe,
        budget: Budget,
        decoding: Decoding,
        run: Run | None,
        views: Mapping[str, Model],
    ):
        self.policy, self.scene, self.rows, self.views = policy, scene, rows, views
        self.budget, self.decoding, self.run = budget, decoding, run
        self.act_in = Overlapping(scene)
        self.prompts = Prompts(len(rows), budget.seed, recipe.weighing, recipe.drawing)
        self.memories: dict[int, Any] = {i: shaping.init() for i, shaping in enumerate(recipe.shaping) if stateful(shaping)}
        self.shown: list[tuple[Any, Any]] = []

    def __call__(self, step: int, recipe: Recipe, tally: Tally) -> Sequences:
        """Rollouts with their reward; none where selection drops all of them in every attempt."""
        kept: list[Sequences] = []
        sampled = 0
        self.shown = []
        missing = self.budget.rows
        for attempt in range(recipe.refills + 1):
            indices = self.prompts.draw(missing)
            chosen = rows_at(self.rows, indices)
            cut = self.scene.truncated
            contexts = self.scene.contexts(chosen)
            tally.add_sum("prompts/truncated", self.scene.truncated - cut, len(chosen))
            seeds = derive(self.budget.seed, step, attempt), derive(self.budget.seed, "judge", step, attempt)
            rollouts, judged, seconds = self.act_in(recipe.sampler, self.policy, contexts, self.decoding, chosen, seeds, self.views)
            for name, value in seconds.items():
                tally.add_sum(f"time/{name}", value, attempt == 0)  # those of all attempts together
            rollouts, valid = self._reward(rollouts, judged, recipe, tally)
            self._record(step, rollouts, judged, valid)
            rollouts = rollouts.with_quantities(shown=len(self.shown) + torch.arange(len(rollouts)))
            self.shown += zip(judged.prompts, judged.completions, strict=True)
            self.prompts.learn(rollouts.quantities["reward"][valid], torch.tensor(indices)[rollouts.context][valid])
            observe_rollouts(rollouts.select(valid), tally)
            keep = valid.clone()
            for selection in recipe.selection:
                keep = keep & self._select(selection, rollouts, keep)
            if keep.any():
                selected = rollouts.select(keep)
                selected.quantities["group"] = selected.quantities["group"] + sampled
                kept.append(selected)
            sampled += len(chosen)
            missing = self.budget.rows - sum(len(torch.unique(s.context)) for s in kept)
            if missing <= 0:
                break
        tally.add("sampled_prompts", float(sampled))
        if not kept:
            kept = [rollouts.select(torch.zeros(len(rollouts), dtype=torch.bool))]
        return concatenate(kept)

    def _reward(self, rollouts: Sequences, judged: Judged, recipe: Recipe, tally: Tally) -> tuple[Sequences, Tensor]:
        components = judged.scored.components
        for name, values in components.items():
            tally.add(f"rewards/{name}/mean", values)
        valid = ~judged.scored.invalid
        tally.add("rewards/failed", judged.scored.invalid.double())
        reward = call(recipe.combine, {"components": components})
        valid &= reward.isfinite()
        quantities = {"reward": reward[valid], "group": rollouts.context[valid]}  # no statistic sees what is left out
        for i, shaping in enumerate(recipe.shaping):
            if i in self.memories:
                quantities["reward"], self.memories[i] = call(shaping, quantities, state=self.memories[i])
            else:
                quantities["reward"] = call(shaping, quantities)
        shaped = torch.full_like(reward, torch.nan)
        shaped[valid] = quantities["reward"]
        shown = {f"component_{name}": values for name, values in components.items()}
        return rollouts.with_quantities(reward=shaped, group=rollouts.context, **shown), valid

    @staticmethod
    def _select(selection: Any, rollouts: Sequences, so_far: Tensor) -> Tensor:
        """A selection sees only what is left, and its verdict is spread over all rows."""
        keep = torch.zeros_like(so_far)
        left = rollouts.select(so_far) if so_far.any() else None
        if left is not None:
            keep[so_far] = call(selection, {**left.quantities, "mask": left.mask, "group": left.quantities["group"]})
        return keep

    def _record(self, step: int, rollouts: Sequences, judged: Judged, valid: Tensor) -> None:
        if self.run is None or step % self.budget.log_completions_every:
            return
        self.run.completions(step, [completion_row(rollouts, judged, valid, b) for b in range(len(rollouts))])

    def state(self) -> dict[str, Any]:
        return {
            "prompts": self.prompts.state(),
            "memories": self.memories,
            "scene": self.scene.state() if hasattr(self.scene, "state") else {},
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        self.prompts.restore(state["prompts"])
        self.memories = state["memories"]
        if state["scene"]:
            self.scene.restore(state["scene"])


def observe_rollouts(rollouts: Sequences, tally: Tally) -> None:
    """What is logged of every batch of rollouts."""
    if not len(rollouts):
        return
    reward, group = rollouts.quantities["reward"], rollouts.quantities["group"]
    length = rollouts.length.double()
    tally.add("reward", reward)
    tally.add("completions/mean_length", length)
    tally.highest("completions/max_length", float(length.max()))
    tally.lowest("completions/min_length", float(length.min()))
    if "terminated" in rollouts.quantities:
        tally.add("completions/clipped_ratio", 1.0 - rollouts.quantities["terminated"].double())
    for members in torch.unique(group):
        own = reward[group == members]
        spread = float(own.std()) if len(own) > 1 else 0.0
        tally.add("reward_std", spread)
        tally.add("frac_reward_zero_std", float(spread <= 1e-6 * max(1.0, float(own.abs().mean()))))
    tally.add("num_tokens", float(rollouts.tokens.sum()))
    if "old_logp" in rollouts.quantities:
        tally.add("sampling/logp", rollouts.quantities["old_logp"], rollouts.mask)
