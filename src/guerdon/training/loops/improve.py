"""Improve: act, judge, give credit, learn.

    for each step:  prompts → rollouts → reward components → reward → advantage → gradient steps
                                                                    → pairs, compared by a judge → gradient steps

It knows no algorithm: what is computed follows from what the recipe's parts ask for.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from guerdon.errors import InputError
from guerdon.models import Model, Policy
from guerdon.parts import call, needs, stateful
from guerdon.quantities import SIDES, Name
from guerdon.randomness import derive, generator
from guerdon.sequences import Batch, Decoding, Sequences, concatenate
from guerdon.steps import on_last, total
from guerdon.training import knobs
from guerdon.training.comparing import COMPARED, Comparing
from guerdon.training.display import Display, Silent
from guerdon.training.drive import drive
from guerdon.training.judging import Judged, Row, Scene
from guerdon.training.learner import Learner
from guerdon.training.measuring import attach_views, compared, measured, names_of_whole, require, wanted_by
from guerdon.training.overlapping import Overlapping
from guerdon.training.prompts import Prompts, rows_at
from guerdon.training.recipe import Budget, Recipe, Term
from guerdon.training.run import Run
from guerdon.training.streams import Stream
from guerdon.training.tally import Tally
from guerdon.training.views import Views


@dataclass(frozen=True)
class Improved:
    """What ``improve`` returns."""

    policy: Policy
    history: list[dict[str, float]]
    learners: Mapping[str, Model]


def improve(
    policy: Policy,
    scene: Scene,
    rows: Sequence[Row],
    recipe: Recipe,
    budget: Budget = Budget(),
    decoding: Decoding = Decoding(),
    held_out: Sequence[Row] = (),
    run: Run | None = None,
    display: Display = Silent(),
    streams: Mapping[str, Stream] | None = None,
    learners: Mapping[str, Model] | None = None,
) -> Improved:
    """Improve ``policy`` in place on the prompts of ``rows`` and return it with its history.

    Args:
        scene: how rows become contexts, and completions rewards.
        held_out: rows on which the policy is evaluated, with the most likely completion.
        streams: data of terms whose ``data`` names a stream.
        learners: the models of ``recipe.learners``, by name.

    Raises:
        InputError: a part needs what nothing provides, or there are no rows.
        RunFailed: steps keep being non-finite, rewards keep failing, or the disk is full.
    """
    if len(rows) == 0:
        raise InputError("the task has no rows to learn from")
    loop = _Improve(policy, scene, rows, recipe, budget, decoding, held_out, run, dict(streams or {}), dict(learners or {}))
    history = drive(loop, "improve", budget, run, display, policy)
    return Improved(policy, history, loop.views.models)


class _Improve:
    """The loop's half of ``drive``: one step, its state, its evaluation."""

    def __init__(self, policy, scene, rows, recipe, budget, decoding, held_out, run, streams, learners):
        self.policy, self.scene, self.rows, self.recipe = policy, scene, rows, recipe
        self.budget, self.decoding, self.held_out, self.run, self.streams = budget, decoding, held_out, run, streams
        credit = [p for p in (recipe.advantage, recipe.target, recipe.pairing) if p is not None]
        parts = [t.loss for t in (*recipe.terms, *recipe.reward_penalties)] + credit
        parts += [t.loss for learning in recipe.learners.values() for t in learning.terms]
        self.names = wanted_by(parts)
        self.views = Views(policy, self.names, recipe.updates, learners, getattr(recipe.sampler, "views", ()))
        own = Learner("policy", policy, recipe.terms, recipe.optimiser, budget.tokens_per_micro_batch, self.views.bound)
        self.learners = {"policy": own}
        for name, learning in recipe.learners.items():
            if name not in learners:
                raise InputError(
                    f"recipe.learners.{name}: no model was given for it; name one with model:, or pass learners={{{name!r}: ...}}"
                )
            self.learners[name] = Learner(name, learners[name], learning.terms, learning.optimiser, budget.tokens_per_micro_batch)
        self.knobs = knobs.start(recipe)
        self.parts: dict[str, Any] = {f"shaping.{i}": p.init() for i, p in enumerate(recipe.shaping) if stateful(p)}
        self.comparing = Comparing(scene, recipe, self.names) if recipe.pairing is not None else None
        if self.comparing is not None and stateful(recipe.judge):
            self.parts["judge"] = recipe.judge.init()
        self.act_in = Overlapping(scene)
        self.prompts = Prompts(len(rows), budget.seed, recipe.weighing, recipe.drawing)
        self._check()

    def _check(self) -> None:
        produced = {"old_logp", "terminated", "reward", "step_reward", "advantage", "target", "weight"}
        produced |= {q for model in (self.policy, *self.views.models.values()) for q in model.measures}
        produced |= {f"{view}_{q}" for view, model in self.views.bound.items() for q in model.measures}
        produced |= compared(self.policy, self.views.bound) | names_of_whole(self.policy, self.views.bound)
        produced |= {f"old_{q}" for name in self.recipe.learners for q in self.learners[name].model.measures}
        produced |= getattr(self.recipe.sampler, "records", frozenset())
        if self.comparing is not None:
            produced |= {f"{side}_{name}" for name in {*produced, "mask"} for side in SIDES} | COMPARED
        everything = [t.loss for t in self.recipe.terms if t.data in ("", "rollouts")]
        require({Name.parse(n) for p in everything for n in needs(p)}, produced, "the recipe")
        paid = {Name.parse(n) for t in self.recipe.reward_penalties for n in needs(t.loss)}
        require({name for name in paid if name.known and name.view}, produced, "recipe.reward_penalties")
        if any(Name.parse(n).quantity == "advantage" for p in everything for n in needs(p)) and self.recipe.advantage is None:
            raise InputError("recipe: a term reads the advantage and recipe.advantage is not set; choose one of credit.advantages")

    # one step

    def step(self, step: int) -> dict[str, float]:
        tally = Tally()
        recipe = knobs.at(self.recipe, (step - 0.5) / self.budget.steps, self.knobs)
        rollouts = self._act(step, recipe, tally)
        batch = self._credit(rollouts, recipe, tally)
        before = self.learners["policy"].steps
        self._learn(step, {"": batch} if self.comparing is None else self._compared(step, batch, recipe, tally), recipe, tally)
        far: dict[str, float] = {}
        # An update counts gradient steps, of which a step of the loop may make several, or none.
        for made in range(before, self.learners["policy"].steps):
            far = self.views.update(made + 1)
        for name, value in far.items():
            tally.add(name, value)
        metrics = tally.means()
        self.knobs = knobs.move(self.recipe, self.knobs, metrics, len(rollouts))
        metrics |= {f"knobs{path}": state["value"] for path, state in self.knobs.items()}
        return metrics

    def _act(self, step: int, recipe: Recipe, tally: Tally) -> Sequences:
        """Rollouts with their reward, those that are learned from; groups that selection drops are refilled."""
        kept: list[Sequences] = []
        sampled = 0
        self.shown: list[tuple[Any, Any]] = []
        missing = self.budget.rows
        for attempt in range(recipe.refills + 1):
            indices = self.prompts.draw(missing)
            chosen = rows_at(self.rows, indices)
            cut = self.scene.truncated
            contexts = self.scene.contexts(chosen)
            tally.add_sum("prompts/truncated", self.scene.truncated - cut, len(chosen))
            seeds = derive(self.budget.seed, step, attempt), derive(self.budget.seed, "judge", step, attempt)
            rollouts, judged, seconds = self.act_in(recipe.sampler, self.policy, contexts, self.decoding, chosen, seeds, self.views.bound)
            for name, value in seconds.items():
                tally.add_sum(f"time/{name}", value, attempt == 0)  # those of all attempts together
            rollouts, valid = self._reward(rollouts, judged, recipe, tally)
            self._record(step, rollouts, judged, valid)
            rollouts = rollouts.with_quantities(shown=len(self.shown) + torch.arange(len(rollouts)))
            self.shown += zip(judged.prompts, judged.completions, strict=True)
            self.prompts.learn(rollouts.quantities["reward"][valid], torch.tensor(indices)[rollouts.context][valid])
            observe_rollouts(rollouts.select(valid), self.decoding, tally)
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
            state = self.parts.get(f"shaping.{i}")
            if state is None:
                quantities["reward"] = call(shaping, quantities)
            else:
                quantities["reward"], self.parts[f"shaping.{i}"] = call(shaping, quantities, state=state)
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

    # credit

    def _credit(self, rollouts: Sequences, recipe: Recipe, tally: Tally) -> Batch:
        """Everything that the losses read and that is known before the first gradient step."""
        batch = Batch({"": rollouts})
        if not len(rollouts):
            return batch
        budget = self.budget.tokens_per_micro_batch
        attach_views(batch, self.names, self.views.bound, budget)
        for learning in recipe.learners:
            model = self.learners[learning].model
            for quantity, value in measured(model, rollouts, model.measures & _without_old(self.names), budget).items():
                rollouts.quantities[f"old_{quantity}"] = value
        quantities = {**rollouts.quantities, "mask": rollouts.mask}
        dense = on_last(quantities["reward"], rollouts.mask)
        now = self._compare(rollouts, recipe.reward_penalties)
        for penalty in recipe.reward_penalties:
            with torch.no_grad():
                known = {**quantities, **now, **({"logp": quantities["old_logp"]} if "old_logp" in quantities else {})}
                cost = torch.where(rollouts.mask, call(penalty.loss, known), 0.0)
            dense = dense - penalty.weight * cost
            tally.add("reward_penalty", total(cost, rollouts.mask))
        quantities["step_reward"] = dense
        if recipe.reward_penalties:
            quantities["reward"] = total(dense, rollouts.mask)
        if recipe.advantage is not None:
            quantities["advantage"] = call(recipe.advantage, quantities)
            tally.add("advantage/absolute", quantities["advantage"].abs(), rollouts.mask)
        if recipe.target is not None:
            quantities["target"] = call(recipe.target, quantities)
        rollouts.quantities.update({k: v for k, v in quantities.items() if k != "mask"})
        return batch

    def _compare(self, rollouts: Sequences, penalties: tuple[Term, ...]) -> dict[str, Tensor]:
        """What penalties of the reward read of the policy beside a view. It is not kept with the rollouts: the losses measure theirs with
        gradients."""
        views = self.views.bound
        names = compared(self.policy, views) & {n for penalty in penalties for n in needs(penalty.loss)}
        return measured(self.policy, rollouts, names, self.budget.tokens_per_micro_batch, views) if names else {}

    # comparisons

    def _compared(self, step: int, rollouts: Batch, recipe: Recipe, tally: Tally) -> dict[str, Batch]:
        """The rollouts in pairs, the better one chosen, and the rollouts themselves."""
        if not len(rollouts):
            return {"": rollouts}
        read = {n for n in needs(recipe.pairing) if n in self.policy.measures}
        sequences = rollouts.sides[""]
        now = measured(self.policy, sequences, read, self.budget.tokens_per_micro_batch)
        seed, state = derive(self.budget.seed, "judge", step, "pairs"), self.parts.get("judge")
        pairs, self.parts["judge"] = self.comparing(sequences, now, self.shown, recipe, seed, state, tally)
        attach_views(pairs, self.names, self.views.bound, self.budget.tokens_per_micro_batch)
        return {"": pairs, "rollouts": rollouts}

    # learning

    def _learn(self, step: int, batches: Mapping[str, Batch], recipe: Recipe, tally: Tally) -> None:
        terms = {"policy": (recipe.terms, recipe.optimiser)}
        terms |= {name: (learning.terms, learning.optimiser) for name, learning in recipe.learners.items()}
        live = {name: batch for name, batch in batches.items() if len(batch)}  # there may be rollouts, and no pair among them
        if not any(term.data in live for own, _ in terms.values() for term in own):
            tally.add("empty_steps", 1.0)
            return
        first = True
        for epoch in range(recipe.epochs):
            for part in self._minibatches(live.get(""), recipe, step, epoch):
                streams = {name: stream.batch(step) for name, stream in self.streams.items()}
                for other in streams.values():
                    attach_views(other, self.names, self.views.bound, self.budget.tokens_per_micro_batch)
                used = {**live, **part, **streams}
                for name, (own, optimiser) in terms.items():
                    wanted = {s: b for s, b in used.items() if any(t.data == s for t in own)}
                    if wanted:
                        self.learners[name].step(wanted, own, optimiser, tally, fresh=first and name == "policy")
                first = False

    def _minibatches(self, batch: Batch | None, recipe: Recipe, step: int, epoch: int) -> Iterator[dict[str, Batch]]:
        """What each gradient step of an epoch sees of the batch: all of it, or a share; nothing where there is none."""
        if batch is None or recipe.minibatches == 1:
            yield {} if batch is None else {"": batch}
            return
        order = torch.randperm(len(batch), generator=generator(self.budget.seed, "minibatches", step, epoch))
        for rows in order.chunk(recipe.minibatches):
            yield {"": batch.select(rows.sort().values)}

    # evaluation and state

    def evaluate(self, step: int) -> dict[str, float]:
        """Greedy completions of the held-out rows."""
        rows = list(self.held_out[: self.budget.evaluation_rows])
        if not rows:
            return {}
        tally = Tally()
        greedy = Decoding(self.decoding.max_completion_length, temperature=0.0)
        uniforms = torch.zeros(len(rows), greedy.max_completion_length)
        rollouts = self.policy.sample(self.scene.contexts(rows), torch.arange(len(rows)), greedy, uniforms)
        judged = self.scene.judge(rollouts, rows, derive(self.budget.seed, "judge", "test"))
        for name, values in judged.scored.components.items():
            tally.add(f"eval/rewards/{name}/mean", values[~judged.scored.invalid])
        reward = call(self.recipe.combine, {"components": judged.scored.components})
        tally.add("eval/reward", reward[~judged.scored.invalid])
        tally.add("eval/completions/mean_length", rollouts.length.double())
        if hasattr(self.scene, "exact"):
            for name, value in self.scene.exact(self.policy).items():
                tally.add(f"eval/{name}", value)
        if self.run is not None:
            valid = ~judged.scored.invalid
            shown = rollouts.with_quantities(reward=reward, **{f"component_{k}": v for k, v in judged.scored.components.items()})
            self.run.completions(step, [completion_row(shown, judged, valid, b) | {"split": "test"} for b in range(len(rows))])
        return tally.means()

    def state(self) -> dict[str, Any]:
        return {
            "learners": {name: learner.state() for name, learner in self.learners.items()},
            "views": self.views.state(),
            "knobs": self.knobs,
            "parts": self.parts,
            "prompts": self.prompts.state(),
            "scene": self.scene.state() if hasattr(self.scene, "state") else {},
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        for name, learner in self.learners.items():
            learner.restore(state["learners"][name])
        self.views.restore(state["views"])
        self.knobs, self.parts = state["knobs"], state["parts"]
        self.prompts.restore(state["prompts"])
        if state["scene"]:
            self.scene.restore(state["scene"])


def _without_old(names: set[Name]) -> set[str]:
    return {n.quantity for n in names if n.view in ("old", "")}


def observe_rollouts(rollouts: Sequences, decoding: Decoding, tally: Tally) -> None:
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


def completion_row(rollouts: Sequences, judged: Judged, valid: Tensor, b: int) -> dict[str, Any]:
    """One line of ``completions.jsonl``."""
    q, n = rollouts.quantities, int(rollouts.length[b])
    return {
        "prompt": judged.prompts[b],
        "completion": judged.completions[b],
        "reward": _number(q["reward"][b]),
        "components": {k.removeprefix("component_"): _number(v[b]) for k, v in q.items() if k.startswith("component_")},
        "valid": bool(valid[b]),
        "error": judged.scored.errors[b],
        "tokens": rollouts.actions[b, :n].tolist(),
        "logp": [round(x, 5) for x in q["old_logp"][b, :n].tolist()] if "old_logp" in q else None,
        "terminated": bool(q["terminated"][b]) if "terminated" in q else None,
    }


def _number(x: Tensor) -> float | None:
    """JSON has no NaN: what does not apply is null."""
    return float(x) if x.isfinite() else None
