"""Gathering: the rollouts of a step, those that are learned from.

    prompts → rollouts → reward components → reward → selection

Groups that selection drops are refilled with other prompts. What is drawn is asked for first, and taken when its step has come: at once, or steps later
(``recipe.ahead``).
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from guerdon.errors import InputError
from guerdon.feedback.combining import Combining, watched_by
from guerdon.feedback.running import Scored
from guerdon.models import Model, Policy
from guerdon.parts import call, needs, stateful
from guerdon.quantities import GLOSSARY, Name
from guerdon.randomness import derive
from guerdon.sequences import Decoding, Sequences, concatenate
from guerdon.thresholds import reaches
from guerdon.training.completions import completion_row
from guerdon.training.crediting import components_there
from guerdon.training.drawing import Coming, Drawing
from guerdon.training.episodes import COMPONENT as ENVIRONMENT
from guerdon.training.judging import Judged, Row, Scene
from guerdon.training.measuring import measured
from guerdon.training.overlapping import Overlapping
from guerdon.training.placements import Workers
from guerdon.training.prompts import Prompts, rows_at
from guerdon.training.recipe import Budget, Recipe
from guerdon.training.run import Run
from guerdon.training.self_made import SelfMadeRewards
from guerdon.training.spreading import watched
from guerdon.training.tally import Tally


class Gathering:
    """Draws prompts, has them answered and judged, and keeps what the recipe's selection keeps.

    ``shown`` holds prompts and completions of the last step as rewards and judges are shown them; the quantity ``shown`` of a rollout is its place there.
    ``state()`` and ``restore()`` cover the order of prompts, what shapings remember, the scene, and what was drawn for steps to come, which is waited for.
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
        workers: Workers | None = None,
        made: SelfMadeRewards | None = None,
    ):
        self.made = made
        self.policy, self.scene, self.rows, self.views = policy, scene, rows, views
        self.budget, self.decoding, self.run = budget, decoding, run
        self.drawing = Drawing(policy, Overlapping(scene, recipe.combine), views, recipe.ahead > 0, workers)
        self.prompts = Prompts(rows, budget.seed, recipe)
        self.kept: dict[str, Any] = recipe.replay.init() if recipe.replay is not None else {}  # by the buffer
        self.tried: list[tuple[Tensor, Tensor]] = []  # of the last step: rewards, and the row that each is of
        self.memories = memories_of(recipe)
        self.columns = columns_of(recipe, rows[0] if len(rows) else {})
        self.shown: list[tuple[Any, Any]] = []
        self.coming: list[Coming] = []  # what was asked for and is not yet learned from, in the order of steps

    def ask(self, step: int, recipe: Recipe, version: int, attempt: int = 0, count: int | None = None) -> None:
        """Have the rollouts of a step drawn by the policy as it is now.

        Args:
            version: of the policy: the step after which it is.
            attempt, count: of refilling, and how many prompts; None: those of a step.
        """
        indices = self.prompts.draw(self.budget.rows if count is None else count, recipe, (step - 0.5) / self.budget.steps)
        chosen = rows_at(self.rows, indices)
        cut = self.scene.truncated
        contexts = self.scene.contexts(chosen)
        seeds = derive(self.budget.seed, step, attempt), derive(self.budget.seed, "judge", step, attempt)
        decoding = self.decoding if recipe.temperature is None else replace(self.decoding, temperature=recipe.temperature)
        found = self.drawing(recipe.sampler, contexts, chosen, seeds, decoding, self.prompts.dealt(indices, recipe))
        self.coming.append(Coming(step, version, indices, self.scene.truncated - cut, found))

    def __call__(self, step: int, recipe: Recipe, tally: Tally) -> Sequences:
        """Rollouts with their reward, of the step that was asked for first; none where selection drops all of them in every attempt."""
        kept: list[Sequences] = []
        sampled = 0
        self.shown, self.tried = [], []
        for attempt in range(recipe.refills + 1):
            come = self.coming.pop(0)
            rollouts, judged, seconds = come.found()
            judged = self.made(rollouts, judged, rows_at(self.rows, come.indices)) if self.made else judged
            watched(self.scene, judged)
            rollouts = self.drawing.filled(recipe.sampler, rollouts)
            answered = torch.tensor(come.indices)[rollouts.context]
            told = {name: self._column(name, come.indices)[rollouts.context] for name in self.columns}
            rollouts = rollouts.with_quantities(version=torch.full((len(rollouts),), come.version), prompt_id=answered, **told)
            tally.add_sum("prompts/truncated", come.cut, len(come.indices))
            for name, value in seconds.items():
                tally.add_sum(f"time/{name}", value, attempt == 0)  # those of all attempts together
            rollouts, valid = self._reward(rollouts, judged, recipe, tally)
            rollouts = answering_hints(rollouts, len(come.indices))
            if recipe.ahead:
                tally.add("sampling/staleness", (step - 1 - rollouts.quantities["version"]).double())
            rollouts = rollouts.with_quantities(shown=len(self.shown) + torch.arange(len(rollouts)))
            self._record(step, rollouts, judged, valid)
            self.shown += zip(judged.prompts, judged.completions, strict=True)
            self.tried.append((rollouts.quantities["reward"][valid], answered[valid]))
            self.prompts.learn(*self.tried[-1], recipe)
            observe_rollouts(rollouts.select(valid), tally)
            if recipe.replay is not None:
                rollouts, valid = self._replayed(
                    rollouts, valid, answered, recipe, derive(self.budget.seed, "replay", step, attempt), tally
                )
            keep = valid.clone()
            for selection in recipe.selection:
                keep = keep & self._select(selection, rollouts, keep)
            if keep.any():
                selected = rollouts.select(keep)
                selected.quantities["group"] = selected.quantities["group"] + sampled
                kept.append(selected)
            sampled += len(come.indices)
            missing = self.budget.rows - sum(len(torch.unique(s.quantities["group"])) for s in kept)
            if missing <= 0 or attempt == recipe.refills:
                break
            later, self.coming = self.coming, []
            self.ask(step, recipe, step - 1, attempt + 1, missing)
            self.coming += later
        tally.add("sampled_prompts", float(sampled))
        if not kept:
            kept = [rollouts.select(torch.zeros(len(rollouts), dtype=torch.bool))]
        return concatenate(kept)

    def _column(self, name: str, indices: Sequence[int]) -> Tensor:
        """A column of the rows that are answered, as numbers.

        Raises:
            InputError: a row has no number there.
        """
        values = [self.rows[i].get(name) for i in indices]
        for i, value in zip(indices, values, strict=True):
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise InputError(f"row {i + 1} of the task has {value!r} in the column {name!r}, of which the recipe needs a number")
        return torch.tensor(values, dtype=torch.float64)

    def _reward(self, rollouts: Sequences, judged: Judged, recipe: Recipe, tally: Tally) -> tuple[Sequences, Tensor]:
        components = judged.scored.components
        for name, values in components.items():
            tally.add(f"rewards/{name}/mean", values)
        tally.add("rewards/failed", judged.scored.invalid.double())
        for name in sorted(watched_by(recipe.combine, components)):
            tally.add(f"monitor/{name}", components[name])
        shaped, valid = shaped_reward(recipe, judged.scored, rollouts, self.memories)
        shown = {f"component_{name}": values for name, values in components.items()}
        if judged.attempts:
            each = attempt_rewards(judged, recipe.combine)
            observe_attempts(each[valid], tally)
            shown["attempt_reward"] = each
        observe_figures(judged, tally)
        if "turn_reward" in rollouts.quantities:
            shown["turn_reward"] = weight_of(recipe.combine, ENVIRONMENT) * rollouts.quantities["turn_reward"]
        return rollouts.with_quantities(reward=shaped, group=rollouts.context, **shown), valid

    @staticmethod
    def _select(selection: Any, rollouts: Sequences, so_far: Tensor) -> Tensor:
        """A selection sees only what is left, and its verdict is spread over all rows."""
        keep = torch.zeros_like(so_far)
        left = rollouts.select(so_far) if so_far.any() else None
        if left is not None:
            components_there(selection, left.quantities, "recipe.selection")
            keep[so_far] = call(selection, {**left.quantities, "mask": left.mask, "group": left.quantities["group"]})
        return keep

    def _replayed(
        self, rollouts: Sequences, valid: Tensor, place: Tensor, recipe: Recipe, seed: int, tally: Tally
    ) -> tuple[Sequences, Tensor]:
        """The valid rollouts and what is replayed beside them."""
        fresh = rollouts.select(valid)
        asks = {"measure": self._now} if "measure" in needs(recipe.replay) else {}
        together, self.kept = recipe.replay(fresh, place[valid], self.kept, seed, **asks)
        tally.add("replayed", together.quantities["replayed"])
        return together, torch.ones(len(together), dtype=torch.bool)

    def _now(self, sequences: Sequences, name: str) -> Tensor:
        """What the policy as it is now says of sequences, [B, T]."""
        return measured(self.policy, sequences, {name}, self.budget.tokens_per_micro_batch)[name]

    def _record(self, step: int, rollouts: Sequences, judged: Judged, valid: Tensor) -> None:
        if self.run is None or step % self.budget.log_completions_every:
            return
        first = len(self.shown)
        self.run.completions(step, [completion_row(rollouts, judged, valid, b, first + b) for b in range(len(rollouts))])

    def state(self) -> dict[str, Any]:
        return {
            "prompts": self.prompts.state(),
            "memories": self.memories,
            "kept": self.kept,
            "scene": self.scene.state() if hasattr(self.scene, "state") else {},
            "coming": [come.state() for come in self.coming],
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        self.prompts.restore(state["prompts"])
        self.memories, self.kept = state["memories"], state.get("kept", {})
        if state["scene"]:
            self.scene.restore(state["scene"])
        self.coming = [Coming.of(each) for each in state["coming"]]


def shaped_reward(recipe: Recipe, scored: Scored, rollouts: Sequences, memories: dict[int, Any]) -> tuple[Tensor, Tensor]:
    """The reward that credit reads [B], NaN where there is none, and where there is one. ``memories`` of shapings that remember, by their place, are written."""
    reward = call(recipe.combine, {"components": scored.components})
    valid = ~scored.invalid & reward.isfinite()
    acted = rollouts.mask.sum(-1).to(reward.dtype)
    # No statistic sees what is left out.
    quantities = {"reward": reward[valid], "group": rollouts.context[valid], "length": acted[valid]}
    quantities |= {f"component_{name}": values[valid] for name, values in scored.components.items()}
    for i, shaping in enumerate(recipe.shaping):
        components_there(shaping, quantities, "recipe.shaping")
        if i in memories:
            quantities["reward"], memories[i] = call(shaping, quantities, state=memories[i])
        else:
            quantities["reward"] = call(shaping, quantities)
    shaped = torch.full_like(reward, torch.nan)
    shaped[valid] = quantities["reward"]
    return shaped, valid


def answering_hints(rollouts: Sequences, prompts: int) -> Sequences:
    """Hinted sequences as answers to what they were drawn in answer to, where that lies behind the prompts' contexts."""
    if "hinted" not in rollouts.quantities or len(rollouts.contexts) == prompts:
        return rollouts
    return replace(rollouts, context=rollouts.context + prompts * (rollouts.quantities["hinted"] > 0))


def attempt_rewards(judged: Judged, combine: Combining) -> Tensor:
    """[B, A], what each answer of a sequence was worth by itself, before shaping; NaN where none was given."""
    columns = [{name: each[:, k] for name, each in judged.attempts.items()} for k in range(next(iter(judged.attempts.values())).shape[1])]
    rewards = [call(combine, {"components": components}) for components in columns]
    none = [torch.stack(list(components.values())).isnan().all(0) for components in columns]
    return torch.stack([torch.where(gone, torch.nan, reward) for gone, reward in zip(none, rewards, strict=True)], 1)


def observe_attempts(each: Tensor, tally: Tally, prefix: str = "") -> None:
    """What is logged of the answers of sequences [B, A]: their rewards one by one, and what became of the first in the end. Right is a reward of 1 or more."""
    if not len(each):
        return
    made = ~each.isnan()
    for k in range(each.shape[1]):
        if made[:, k].any():
            tally.add(f"{prefix}attempts/reward_{k + 1}", each[made[:, k], k])
            tally.add(f"{prefix}attempts/right_{k + 1}", reaches(each[made[:, k], k], 1.0).double())
    last = each.gather(1, (made.sum(-1, keepdim=True) - 1).clamp(min=0)).squeeze(-1)
    first, last = reaches(each[:, 0], 1.0), reaches(last, 1.0)
    tally.add(f"{prefix}attempts/made", made.sum(-1).double())
    tally.add(f"{prefix}attempts/right_last", last.double())
    tally.add(f"{prefix}attempts/wrong_to_right", (~first & last).double())
    tally.add(f"{prefix}attempts/right_to_wrong", (first & ~last).double())


def observe_figures(judged: Judged, tally: Tally, prefix: str = "") -> None:
    """What else is logged of episodes and the like."""
    for name, values in judged.figures.items():
        there = values[~values.isnan()]
        if len(there):
            tally.add(f"{prefix}{name}", there)


def weight_of(combine: Combining, name: str) -> float:
    """What a component counts in a combination that weighs; 1 in any other."""
    return float(getattr(combine, "weights", {}).get(name, 1.0))


def memories_of(recipe: Recipe) -> dict[int, Any]:
    """What shapings that remember begin with, by their place."""
    return {i: shaping.init() for i, shaping in enumerate(recipe.shaping) if stateful(shaping)}


def columns_of(recipe: Recipe, row: Row) -> list[str]:
    """The columns of rows that credit and selection read: names that nobody else says, and that a row has."""
    parts = [part for part in (recipe.advantage, recipe.target, *recipe.selection, *recipe.learned) if part is not None]
    return sorted({name for part in parts for name in needs(part) if name in row and name not in GLOSSARY and not _measured(name)})


def _measured(name: str) -> bool:
    """Whether a model says it: ``ref_logp``, and not ``expected_reward``."""
    quantity = Name.parse(name).quantity
    return quantity in GLOSSARY and GLOSSARY[quantity].measured


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
    if "hinted" in rollouts.quantities:
        hinted = rollouts.quantities["hinted"] > 0
        tally.add("hinted/share", hinted.double())
        tally.add("hinted/reward", reward[hinted])
        tally.add("hinted/reward_without", reward[~hinted])
    for name in ("drawn_tokens", "scored_tokens"):  # of a search, for each prompt
        if name in rollouts.quantities:
            tally.add_sum(f"search/{name}", float(rollouts.quantities[name].sum()), len(torch.unique(group)))
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
