"""Jobs: a loop with everything that it is called with, as a value. What a stage, and a run from the command line, consists of."""

import copy
import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from guerdon.acting.samplers import Sampler
from guerdon.acting.samplers.group import Group
from guerdon.catalogue import unknown
from guerdon.data.curation import Curation
from guerdon.data.examples import examples
from guerdon.errors import InputError
from guerdon.feedback.combining import Combining
from guerdon.feedback.combining.weigh import Weigh
from guerdon.feedback.rewards.unrewarded import Unrewarded
from guerdon.feedback.running import RewardRunner
from guerdon.keeping import cache_folder
from guerdon.models import Model
from guerdon.models.heads.value import Value
from guerdon.models.language.headed import HeadedModel
from guerdon.parts import sparse
from guerdon.sequences import Decoding
from guerdon.servers.spending import charged_to
from guerdon.tasks.dataset import as_task
from guerdon.tasks.encoding import Encoder
from guerdon.tasks.messages import TEMPLATE_COLUMNS
from guerdon.training.adapting import acquaint, conclude, learns
from guerdon.training.binding import bound
from guerdon.training.display import Display, encoding
from guerdon.training.episodes import EpisodeScene
from guerdon.training.judging import FiniteScene, Row, Scene, TextScene
from guerdon.training.loops.fit import fit
from guerdon.training.loops.improve import improve
from guerdon.training.loops.search import search
from guerdon.training.measuring import names_of
from guerdon.training.placements import Placement
from guerdon.training.recipe import Budget, Recipe, Term
from guerdon.training.run import Run
from guerdon.training.sources import sources
from guerdon.training.stages import Outputs, adopt, describe
from guerdon.training.streams import Stream


@dataclass(frozen=True)
class FitJob:
    """Fit a model to rows.

    Attributes:
        data: a task, whose ``train()`` rows are learned from and whose ``test()`` rows are held out; an object that holds rows (a list of mappings, a
            dataset, a data frame); or the name of a stage whose rows are.
        builds: the specification of the model, where it is not the pipeline's (a reward model).
        streams: further data by the name that a term's ``data`` gives; each a task or a stage's name.
        views: whom a name with a view asks (``{"guide": "dpo"}``): the model of a finished stage, by its name, a part of ``models.views``, or the specification of a
            model, which is frozen.
    """

    recipe: Recipe
    data: Any
    budget: Budget = Budget()
    builds: Any = None
    streams: Mapping[str, Any] = field(default_factory=dict)
    max_prompt_length: int | None = None
    truncate: str = ""
    views: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "data", as_task(self.data))
        object.__setattr__(self, "streams", {name: as_task(data) for name, data in self.streams.items()})

    def __call__(self, model: Model, done: Mapping[str, Outputs], seed: int, folder: Path | None, display: Display) -> Outputs:
        encoder = encoder_for(model, self.max_prompt_length, self.truncate)
        budget = seeded(self.budget, seed)
        train, test = rows_of(self.data, done)
        may_lack = _sparse(self.recipe.terms, "")
        learned = self.data.encoded(encoder, may_lack) if hasattr(self.data, "encoded") else None
        if learned is None:
            with encoding(display, len(train)) as telling:
                learned = examples(train, encoder, telling=telling, sparse=may_lack)
        for what, count in encoder.truncated.items():
            if count:
                display.say(f"{count} of {len(train)} rows had their {what} cut to fit, as truncate={self.truncate!r} asks")
        if encoder.noticed["left_out"]:
            display.say(
                f"{encoder.noticed['left_out']} of {len(train)} rows are left out: once they are cut there is nothing left to learn from them"
            )
        if encoder.noticed["by_turn"]:
            display.say(
                f"{encoder.noticed['by_turn']} of {len(train)} rows are learned turn by turn ({len(learned)} examples in all), since the chat template "
                "rewrites earlier turns"
            )
        further = {name: rows_of(data, done)[0] for name, data in self.streams.items()}
        run = run_in(folder, self, budget, model, {"rows to learn from": train, "held-out rows": test, **further})
        acquaint(model, learned)
        if not learns(model):
            display.say("the model has nothing that is trained: it was told of the rows, and that is all")
            if run is not None:
                run.log(0, {})
            return Outputs(model, history=[{"step": 0}])
        out = fit(
            model,
            learned,
            self.recipe,
            budget,
            examples(test[: budget.evaluation_rows], encoder, sparse=may_lack) if len(test) else (),
            run,
            display,
            streams_of(self.streams, done, encoder, budget, self.recipe.terms),
            bound(self.views, done, model, encoder, (train, test), seed),
            remember=cache_folder("measured"),
        )
        acquaint(out.model, learned)  # what follows of the rows may be another thing now
        conclude(out.model, learned)
        return Outputs(out.model, history=out.history)


@dataclass(frozen=True)
class ImproveJob:
    """Improve a policy on a task.

    Attributes:
        rewards: components by name: reward functions, or the name of a stage whose model scores. Empty: the task's own reward.
        running: settings of the ``RewardRunner`` that differ from its defaults (timeout, workers ...).
        placement: where completions are drawn and judged, if not by this process.
        views: as ``FitJob``'s.
    """

    recipe: Recipe
    task: Any
    rewards: Mapping[str, Any] = field(default_factory=dict)
    running: Mapping[str, Any] = field(default_factory=dict)
    decoding: Decoding = Decoding()
    budget: Budget = Budget()
    streams: Mapping[str, Any] = field(default_factory=dict)
    max_prompt_length: int | None = None
    truncate: str = ""
    builds: Any = None
    placement: Placement | None = None
    views: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "task", as_task(self.task))
        object.__setattr__(self, "streams", {name: as_task(data) for name, data in self.streams.items()})

    def __call__(self, model: Model, done: Mapping[str, Outputs], seed: int, folder: Path | None, display: Display) -> Outputs:
        budget = seeded(self.budget, seed)
        scene = scene_for(model, self.task, self.rewards, done, self.max_prompt_length, self.truncate, self.running, self.recipe)
        encoder = scene.encoder if isinstance(scene, TextScene) else None
        rows, held_out = rows_of(self.task, done)
        if isinstance(scene, TextScene):
            scene.knows(rows)
        further = {name: rows_of(data, done)[0] for name, data in self.streams.items()}
        try:
            out = improve(
                model,
                scene,
                rows,
                self.recipe,
                budget,
                self.decoding,
                held_out,
                run_in(folder, self, budget, model, {"rows to learn from": rows, "held-out rows": held_out, **further}),
                display,
                streams_of(self.streams, done, encoder, budget, self.recipe.terms),
                {
                    **bound(self.views, done, model, encoder, (rows, held_out), seed),
                    **learners_of(self.recipe, model, budget.seed, done),
                },
                self.placement,
            )
        finally:
            scene.close()
        return Outputs(out.policy, history=out.history)


@dataclass(frozen=True)
class SearchJob:
    """Candidates for the training rows of a task, scored, and what curation makes of them."""

    task: Any
    curate: Curation
    rewards: Mapping[str, Any] = field(default_factory=dict)
    rows: int = 256
    sampler: Sampler = Group()
    combine: Combining = Weigh()
    decoding: Decoding = Decoding()
    builds: Any = None

    def __call__(self, model: Model, done: Mapping[str, Outputs], seed: int, folder: Path | None, display: Display) -> Outputs:
        scene = scene_for(model, self.task, self.rewards, done)
        rows = self.task.train()
        try:
            some = [rows[i] for i in range(min(self.rows, len(rows)))]
            found = search(model, scene, some, self.sampler, self.combine, self.decoding, seed, display=display)
        finally:
            scene.close()
        return Outputs(None, rows=self.curate(rows=found))


# what jobs are made of


def encoder_for(model: Model, max_prompt_length: int | None = None, truncate: str = "") -> Encoder:
    """The encoder of a language model's tokenizer.

    Raises:
        InputError: the model has no tokenizer, so it does not read text.
    """
    tokenizer = getattr(model, "tokenizer", None)
    if tokenizer is None:
        raise InputError(f"a {type(model).__name__} reads no text; use a language model, or a finite world")
    whole = bool(getattr(getattr(model, "scored", None), "whole", False))
    return Encoder(tokenizer, model.context_length, max_prompt_length, truncate, whole=whole)


def rows_of(data: Any, done: Mapping[str, Outputs]) -> tuple[Sequence[Row], Sequence[Row]]:
    """Rows to learn from and rows held out: of a task, or of a finished stage."""
    if isinstance(data, str):
        if data not in done:
            raise InputError(f"there is no finished stage {data!r} to take rows from; there are {', '.join(done) or 'none'}")
        return done[data].rows, []
    return data.sides() if hasattr(data, "sides") else (data.train(), data.test())


def scene_for(
    model: Model,
    task: Any,
    rewards: Mapping[str, Any],
    done: Mapping[str, Outputs],
    max_prompt_length: int | None = None,
    truncate: str = "",
    running: Mapping[str, Any] | None = None,
    recipe: Recipe | None = None,
) -> Scene:
    """Where ``model`` acts: text with reward functions, or a finite world with its own reward.

    Args:
        recipe: one whose policy makes rewards itself needs no others, and neither does one that reads none.

    Raises:
        InputError: neither the task nor anybody else brings a reward that is read.
    """
    if hasattr(task, "reward_of"):
        return FiniteScene(task, rewards)
    whole = getattr(task, "stands_for", task)
    episodes = whole if hasattr(whole, "environment") else None
    functions = {name: _scorer(done[r].model) if isinstance(r, str) and r in done else r for name, r in rewards.items()}
    if not functions:
        own = task.reward
        if own is None and recipe is not None and not (recipe.intrinsic or recipe.reads_reward):
            own = Unrewarded()
        if own is None and not (recipe is not None and recipe.intrinsic) and episodes is None:
            raise InputError(
                "the task brings no reward; name one in the reward section (number_match, math_equivalence, file.py:function ...)"
            )
        functions = {} if own is None else {type(own).__module__.rsplit(".", 1)[1]: own}
    encoder, runner = encoder_for(model, max_prompt_length, truncate), RewardRunner(functions, **(running or {}))
    return TextScene(encoder, runner) if episodes is None else EpisodeScene(encoder, runner, episodes)


def _scorer(model: Any) -> Any:
    """A trained scorer as a reward function."""

    def reward(prompts: list[Any], completions: list[Any], **columns: list[Any]) -> list[float]:
        read = (*getattr(model, "columns", ()), *TEMPLATE_COLUMNS)
        return model.score(prompts, completions, **{name: columns[name] for name in read if name in columns})

    return reward


def streams_of(
    streams: Mapping[str, Any], done: Mapping[str, Outputs], encoder: Encoder | None, budget: Budget, terms: Sequence[Term]
) -> dict[str, Stream]:
    """The data of terms that read a stream of their own."""
    return {
        name: Stream(examples(rows_of(data, done)[0], encoder, sparse=_sparse(terms, name)), budget.rows, budget.seed)
        for name, data in streams.items()
    }


def _sparse(terms: Sequence[Term], data: str) -> frozenset[str]:
    """The columns that rows of a stream may lack, by what is learned from it."""
    return frozenset().union(*(sparse(term.loss) for term in terms if term.data == data))


def learners_of(recipe: Recipe, policy: Model, seed: int, done: Mapping[str, Outputs]) -> dict[str, Model]:
    """The models of further learners: the one that is specified, or the policy's body under a value head, or, where the learner's terms ask what a policy
    says (``logp``), a copy of the policy. Where a stage is named, body and, if it has the same shape, head start from that stage's model: a critic from
    the reward model.

    Raises:
        InputError: there is no such stage.
    """
    models: dict[str, Model] = {}
    for name, learning in recipe.learners.items():
        named = isinstance(learning.model, str)
        if named and (learning.model not in done or done[learning.model].model is None):
            raise InputError(f"recipe.learners.{name}.model is {unknown('stage', learning.model, [k for k, v in done.items() if v.model])}")
        if learning.model is None or named:
            said = {name.quantity for name in names_of(term.loss for term in learning.terms) if not name.view}
            speaks = bool(said & set(policy.measures))
            models[name] = copy_of(policy) if speaks else HeadedModel(copy_of(policy), Value(), seed)
        else:
            models[name] = learning.model.build(seed)
        if named:
            adopt(models[name], done[learning.model].model)
    return models


def copy_of(policy: Any) -> Any:
    """A trainable copy of a policy."""
    return type(policy)(copy.deepcopy(policy.module), policy.tokenizer, policy.device)


def seeded(budget: Budget, seed: int) -> Budget:
    """The budget with the pipeline's seed."""
    return dataclasses.replace(budget, seed=seed)


def run_in(folder: Path | None, job: Any, budget: Budget, model: Model, rows: Mapping[str, Sequence[Row]]) -> Run | None:
    """The run directory of a job, or None. ``rows`` by what they are for, and the model as it stands, are what it is made from."""
    if folder is None:
        return None
    about = describe(dataclasses.replace(job, budget=budget))
    run = Run(folder, about, budget.keep_checkpoints, sources(model, rows, job), budget.accept)
    charged_to(run.folder)
    return run
