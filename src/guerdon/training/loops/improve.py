"""Improve: act, judge, give credit, learn.

    for each step:  prompts → rollouts → reward components → reward → advantage → gradient steps
                                                                    → pairs, compared by a judge → gradient steps

It knows no algorithm: what is computed follows from what the recipe's parts ask for.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import torch

from guerdon.errors import InputError
from guerdon.feedback.combining import watched_by
from guerdon.models import Model, Policy
from guerdon.parts import call, describe, needs, stateful, wants
from guerdon.processes import ALONE, here
from guerdon.quantities import SIDES, Name
from guerdon.randomness import derive, generator
from guerdon.saying import say
from guerdon.sequences import Batch, Decoding, Sequences
from guerdon.training import knobs
from guerdon.training.comparing import COMPARED, Comparing
from guerdon.training.completions import completion_row
from guerdon.training.crediting import Crediting, learned, members
from guerdon.training.dense import check_dense
from guerdon.training.display import Display, Silent
from guerdon.training.drive import drive
from guerdon.training.filling import at_once_of
from guerdon.training.gathering import Gathering, attempt_rewards, columns_of, observe_attempts, observe_figures
from guerdon.training.judging import Judged, Row, Scene
from guerdon.training.learner import Learner
from guerdon.training.measuring import attach_views, compared, crosses, measured, names_of_whole, require, several_prompts, wanted_by
from guerdon.training.overlapping import Overlapping
from guerdon.training.placements import Placement, working
from guerdon.training.prompts import rows_at
from guerdon.training.recipe import Budget, Recipe
from guerdon.training.run import Run
from guerdon.training.self_made import SelfMadeRewards, names_of_self_made
from guerdon.training.spreading import judged, spread, watched
from guerdon.training.streams import Stream
from guerdon.training.tally import Tally
from guerdon.training.teaching import LESSONS, Teaching
from guerdon.training.token_values import TokenValues
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
    placement: Placement | None = None,
) -> Improved:
    """Improve ``policy`` in place on the prompts of ``rows`` and return it with its history.

    Args:
        scene: how rows become contexts, and completions rewards.
        held_out: rows on which the policy is evaluated, with the most likely completion.
        streams: data of terms whose ``data`` names a stream.
        learners: the models of ``recipe.learners``, by name.
        placement: where completions are drawn and judged, if not here.

    Raises:
        InputError: a part needs what nothing provides, or there are no rows.
        RunFailed: steps keep being non-finite, rewards keep failing, or the disk is full.
    """
    if len(rows) == 0:
        raise InputError("the task has no rows to learn from")
    with working(placement, policy, recipe) as workers:
        loop = _Improve(policy, scene, rows, recipe, budget, decoding, held_out, run, dict(streams or {}), dict(learners or {}), workers)
        history = drive(loop, "improve", budget, run, display, policy)
        for learner in loop.learners.values():
            learner.done()
    return Improved(policy, history, loop.views.models)


class _Improve:
    """The loop's half of ``drive``: one step, its state, its evaluation."""

    def __init__(self, policy, scene, rows, recipe, budget, decoding, held_out, run, streams, learners, workers=None):
        self.workers = workers
        own_scene, scene = scene, scene if workers is None else workers.judging(scene)
        self.policy, self.scene, self.recipe = policy, scene, recipe
        self.budget, self.decoding, self.held_out, self.run, self.streams = budget, decoding, held_out, run, streams
        credit = [p for p in (recipe.segments, recipe.advantage, recipe.target, recipe.pairing) if p is not None]
        parts = [t.loss for t in (*recipe.terms, *recipe.reward_penalties)] + credit
        parts += [t.loss for learning in recipe.learners.values() for t in learning.terms]
        self.names = wanted_by(parts)
        bound = self.names | names_of_self_made(recipe.intrinsic)
        self.views = Views(policy, bound, recipe.updates, learners, getattr(recipe.sampler, "views", ()), recipe.learners)
        if "reference" in budget.offload:
            self.views.rest()
        if getattr(policy, "drops", False):
            raise InputError(
                "model.lora.lora_dropout: the policy learns from what it sampled, and the learner would measure other log-probabilities than those that were sampled "
                "from; set it to 0"
            )
        self.at_once, again = at_once_of(budget, policy), budget.activation_checkpointing
        split = getattr(recipe.sampler, "engine", None) is None  # an engine that draws for the policy is given its weights, whole
        rests = "optimiser" in budget.offload
        own = (recipe.terms, recipe.optimiser, self.at_once, self.views.bound, again, split, rests)
        self.learners = {"policy": Learner("policy", policy, *own)}
        for name, learning in recipe.learners.items():
            if name not in learners:
                raise InputError(
                    f"recipe.learners.{name}: no model was given for it; name one with model:, or pass learners={{{name!r}: ...}}"
                )
            layered = again and hasattr(learners[name], "checkpoints")  # the policy's many layers; a head on a frozen encoder has none
            others = (learning.terms, learning.optimiser, at_once_of(budget, learners[name]))
            self.learners[name] = Learner(name, learners[name], *others, checkpointing=layered, rests=rests)
        self.knobs = knobs.start(recipe)
        self.made = SelfMadeRewards(recipe.intrinsic, policy, own_scene, self.views.bound, self.at_once)
        self.gather = Gathering(policy, scene, rows, recipe, budget, decoding, run, self.views.bound, workers, self.made)
        self.teaching = Teaching(scene, rows, recipe)
        self.asked = 0  # the last step whose rollouts were asked for
        critics = {name: self.learners[name].model for name in recipe.learners}
        self.credit = Crediting(policy, self.names, self.views.beforehand, critics, self.at_once, recipe.advantage)
        self.token_values = TokenValues(run, policy, budget)
        self.comparing = Comparing(scene, recipe, self.names) if recipe.pairing is not None else None
        self.judge = recipe.judge.init() if self.comparing is not None and stateful(recipe.judge) else None  # what it remembers
        self._check(rows[:1])

    def _check(self, first: Sequence[Row]) -> None:
        check_dense(self.recipe, self.policy)
        if "given" in needs(self.recipe.sampler):
            self.scene.given(first, self.recipe.sampler.columns)
        if ("episodes" in needs(self.recipe.sampler)) != hasattr(self.scene, "episodes"):
            raise InputError(
                "recipe.sampler: in a task of episodes the policy acts turn by turn; take recipe.sampler: turns"
                if hasattr(self.scene, "episodes")
                else f"recipe.sampler: {describe(self.recipe.sampler)} acts in environments, and the task has none; take task: {{part: episodes, environment: ...}}"
            )
        if "conversation" in needs(self.recipe.sampler):
            if not hasattr(self.scene, "told"):
                raise InputError(f"recipe.sampler: in a {type(self.scene).__name__} the policy answers once; take recipe.sampler: group")
            if self.recipe.intrinsic:
                raise InputError(
                    "recipe.intrinsic: rewards that the policy makes itself are of whole sequences, and recipe.sampler has each attempt rewarded by itself; leave one of them out"
                )
        produced = {"old_logp", "terminated", "reward", "step_reward", "advantage", "target", "weight"}
        if any(hasattr(view, "tell") for view in self.views.bound.values()):
            produced |= {"told"}
            if self.recipe.replay is not None:
                raise InputError(
                    "recipe.replay: the teacher is told of the answers of a step, and what is replayed is none of them; leave one of them out"
                )
        produced |= {q for model in (self.policy, *self.views.models.values()) for q in model.measures}
        produced |= {f"{view}_{q}" for view, model in self.views.beforehand.items() for q in model.measures}
        produced |= compared(self.policy, self.views.bound) | names_of_whole(self.policy, self.views.bound)
        produced |= {f"old_{q}" for name in self.recipe.learners for q in self.learners[name].model.measures - self.policy.measures}
        produced |= getattr(self.recipe.sampler, "records", frozenset()) | ({"segment"} if self.recipe.segments is not None else set())
        produced |= {"replayed"} if self.recipe.replay is not None else set()
        if self.comparing is not None:
            produced |= {f"{side}_{name}" for name in {*produced, "mask"} for side in SIDES} | COMPARED
        everything = [t.loss for t in self.recipe.terms if t.data in ("", "rollouts")]
        require({Name.parse(n) for p in everything for n in needs(p)}, produced, "the recipe")
        if 0 < self.budget.steps <= self.recipe.resting:
            say(
                f"the policy rests in all {self.budget.steps} steps, since another learner is to have {self.recipe.resting} of its own first"
            )
        credited = {Name.parse(n) for p in (self.recipe.advantage, self.recipe.target) if p is not None for n in needs(p)}
        told = columns_of(self.recipe, first[0])
        credited = {
            n for n in credited if str(n) not in told and not str(n).startswith("component_")
        }  # these are known when they are judged
        require(credited, produced | {"outcome", "action"}, "recipe.advantage")
        left = {Name.parse(n) for p in self.recipe.learned for n in needs(p) if n not in told and not n.startswith("component_")}
        require(left, produced | {"outcome", "action", "version"}, "recipe.learned")
        paid = {Name.parse(n) for t in self.recipe.reward_penalties for n in needs(t.loss)}
        require({name for name in paid if name.known and name.view}, produced, "recipe.reward_penalties")
        if crosses(self.names):
            several_prompts(self.budget.rows, "prompt", range(2))
        sampler = self.recipe.sampler
        if self.recipe.allocation is not None and "counts" not in wants(sampler):
            raise InputError(
                f"recipe.allocation: {describe(sampler)} draws the same number of answers to every prompt; take recipe.sampler: group"
            )
        if self.recipe.starts is not None and "shares" not in wants(sampler):
            raise InputError(
                f"recipe.starts: {describe(sampler)} begins answers with nothing; take recipe.sampler: {{part: from_prefix, column: ...}}, or {{part: hinted, column: ...}}"
            )
        if self.recipe.replay is not None and self.comparing is not None:
            raise InputError(
                "recipe.replay: earlier answers are learned from by their advantage, and recipe.pairing compares fresh ones; leave one of them out"
            )
        least, drawn = members(self.recipe.advantage), getattr(sampler, "answers", getattr(sampler, "num_generations", math.inf))
        if drawn < least:
            raise InputError(
                f"the advantage {describe(self.recipe.advantage)} needs {least} completions of a prompt and num_generations is {drawn}; "
                "raise it, or lower k"
            )
        if any(Name.parse(n).quantity == "advantage" for p in everything for n in needs(p)) and self.recipe.advantage is None:
            raise InputError("recipe: a term reads the advantage and recipe.advantage is not set; choose one of credit.advantages")

    # one step

    def step(self, step: int) -> dict[str, float]:
        tally = Tally()
        for coming in range(max(self.asked, step - 1) + 1, min(step + self.recipe.ahead, self.budget.steps) + 1):
            self.gather.ask(coming, self._recipe(coming), version=step - 1)
            self.asked = coming
        recipe = self._recipe(step)
        rollouts = self._told(self.gather(step, recipe, tally), tally)
        credited = self.credit(rollouts, recipe, tally, self.gather.shown)
        self.token_values(step, credited.sides[""])
        batch = learned(credited, recipe)
        before = self.learners["policy"].steps
        self._learn(step, {"": batch} if self.comparing is None else self._compared(step, batch, recipe, tally), recipe, tally)
        for lesson in self.teaching(self.gather.tried, recipe, tally):
            if step <= recipe.resting:
                continue
            attach_views(lesson, self.names, self.views.bound, self.at_once)
            self.learners["policy"].step({LESSONS: lesson}, recipe.terms, recipe.optimiser, tally)
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

    def _told(self, rollouts: Sequences, tally: Tally) -> Sequences:
        """The rollouts, once views that are told of them have been."""
        for view in self.views.bound.values():
            if hasattr(view, "tell"):
                answered = rows_at(self.gather.rows, rollouts.quantities["prompt_id"].tolist())
                rollouts, figures = view.tell(rollouts, self.gather.shown, answered)
                for name, value in figures.items():
                    tally.add(name, value)
        return rollouts

    def _recipe(self, step: int) -> Recipe:
        """The recipe with numbers in the place of knobs."""
        return knobs.at(self.recipe, (step - 0.5) / self.budget.steps, self.knobs)

    # comparisons

    def _compared(self, step: int, rollouts: Batch, recipe: Recipe, tally: Tally) -> dict[str, Batch]:
        """The rollouts in pairs, the better one chosen, and the rollouts themselves."""
        if not len(rollouts):
            return {"": rollouts}
        read = {n for n in needs(recipe.pairing) if n in self.policy.measures}
        sequences = rollouts.sides[""]
        now = measured(self.policy, sequences, read, self.at_once)
        seed = derive(self.budget.seed, "judge", step, "pairs")
        pairs, self.judge = self.comparing(sequences, now, self.gather.shown, recipe, seed, self.judge, tally)
        attach_views(pairs, self.names, self.views.beforehand, self.at_once)
        return {"": pairs, "rollouts": rollouts}

    # learning

    def _learn(self, step: int, batches: Mapping[str, Batch], recipe: Recipe, tally: Tally) -> None:
        rests = step <= recipe.resting
        terms = {} if rests else {"policy": (recipe.terms, recipe.optimiser)}
        terms |= {name: (learning.terms, learning.optimiser) for name, learning in recipe.learners.items()}
        if recipe.resting:
            tally.add("policy_rests", float(rests))
        live = {name: batch for name, batch in batches.items() if len(batch)}  # there may be rollouts, and no pair among them
        if not any(term.data in live for own, _ in terms.values() for term in own):
            tally.add("empty_steps", 1.0)
            return
        first = True
        for epoch in range(recipe.epochs):
            for part in self._minibatches(live.get(""), recipe, step, epoch):
                streams = {name: stream.batch(step) for name, stream in self.streams.items()}
                for other in streams.values():
                    attach_views(other, self.names, self.views.bound, self.at_once)
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
        rollouts, verdicts = self._answered(rows, greedy, derive(self.budget.seed, "judge", "test"))
        verdicts = self.made(rollouts, verdicts, rows)
        watched(self.scene, verdicts)
        observe_figures(verdicts, tally, "eval/")
        if verdicts.attempts:
            observe_attempts(attempt_rewards(verdicts, self.recipe.combine)[~verdicts.scored.invalid], tally, "eval/")
        for name, values in verdicts.scored.components.items():
            tally.add(f"eval/rewards/{name}/mean", values[~verdicts.scored.invalid])
        for name in sorted(watched_by(self.recipe.combine, verdicts.scored.components)):
            tally.add(f"eval/monitor/{name}", verdicts.scored.components[name][~verdicts.scored.invalid])
        reward = call(self.recipe.combine, {"components": verdicts.scored.components})
        tally.add("eval/reward", reward[~verdicts.scored.invalid])
        tally.add("eval/completions/mean_length", rollouts.length.double())
        if hasattr(self.scene, "exact"):
            for name, value in self.scene.exact(self.policy).items():
                tally.add(f"eval/{name}", value)
        if self.run is not None:
            valid = ~verdicts.scored.invalid
            shown = rollouts.with_quantities(reward=reward, **{f"component_{k}": v for k, v in verdicts.scored.components.items()})
            self.run.completions(step, [completion_row(shown, verdicts, valid, b, b) | {"split": "test"} for b in range(len(rows))])
        return tally.means()

    def _answered(self, rows: Sequence[Row], greedy: Decoding, seed: int) -> tuple[Sequences, Judged]:
        """The most likely completions and the verdicts on them; where the sampler lets the policy answer again, the most likely conversations."""
        sampler, contexts = self.recipe.sampler, self.scene.contexts(rows)
        acting = self.policy if self.workers is None else self.workers.drawing(own=True)
        if needs(sampler) & {"conversation", "episodes"} and not getattr(sampler, "apart", False):
            alone = replace(getattr(sampler, "unbranched", sampler), num_generations=1, engine=None)
            talk = partial(Overlapping(self.scene, self.recipe.combine), alone, acting, contexts, greedy, rows, (0, seed))
            return (talk() if self.workers is None else here().from_first(lambda: talk(processes=ALONE)))[:2]
        uniforms = torch.zeros(len(rows), greedy.max_completion_length)
        acting = spread(acting) if self.workers is None else acting
        draw = partial(acting.sample, contexts, torch.arange(len(rows)), greedy, uniforms)
        rollouts = draw() if self.workers is None else here().from_first(draw)
        return rollouts, judged(self.scene, rollouts, rows, seed)

    def state(self) -> dict[str, Any]:
        return {
            "learners": {name: learner.state() for name, learner in self.learners.items()},
            "views": self.views.state(),
            "knobs": self.knobs,
            "gathering": self.gather.state(),
            "teaching": self.teaching.state(),
            "asked": self.asked,
            "judge": self.judge,
            "credit": self.credit.memory,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        for name, learner in self.learners.items():
            learner.restore(state["learners"][name])
        self.views.restore(state["views"])
        self.knobs, self.judge = state["knobs"], state["judge"]
        self.gather.restore(state["gathering"])
        self.credit.memory = state.get("credit")
        self.teaching.restore(state.get("teaching", {}))
        self.asked = state["asked"]
