"""Combinations that cannot work, refused before anything is built."""

from collections.abc import Iterator, Mapping
from typing import Any

from guerdon.catalogue import unknown
from guerdon.errors import InputError
from guerdon.interfaces.configuration._sections import NOTHING_DRAWN
from guerdon.parts import describe, needs
from guerdon.processes import here
from guerdon.quantities import SIDES, Name
from guerdon.training.knobs import is_controller, is_schedule
from guerdon.training.measuring import MISMATCHED
from guerdon.training.placements import TWO_DRAW
from guerdon.training.recipe import Budget, Recipe
from guerdon.training.trackers import TRACKERS
from guerdon.training.views import COPIES, PROXIMAL


def refuse(settings: Any, loop: str, place: str = "") -> None:
    """Refuse what the loop called ``loop`` cannot do with these sections.

    Raises:
        InputError: the first thing that cannot work, with its place and what to do.
    """
    for sentence in _complaints(settings, loop):
        raise InputError(f"{place}.{sentence}" if place else sentence)


def _complaints(settings: Any, loop: str) -> Iterator[str]:
    command = {"fit": "guerdon fit", "improve": "guerdon train"}
    if settings.task is None:
        yield "task: it is missing; give the path of a dataset or the name of a task"
    if settings.recipe is None:
        yield "recipe: it is missing; name a method (sft, dpo, grpo ...)"
    yield from _of_budget(settings.budget)
    yield from _of_recipe(settings.recipe)
    reads = list(_names(settings.recipe))
    yield from _of_views(settings.recipe, reads, settings.views)
    if loop == "fit":
        wrong = next((n for n in reads if n.quantity == "advantage" or n.view == "old"), None)
        if wrong is not None:
            yield f"recipe: it reads {wrong}, which only a policy that acts has; use {command['improve']}"
        if settings.placement is not None and not (hasattr(settings, "loop") or getattr(settings.placement, "learners", False)):
            yield f"placement: {NOTHING_DRAWN}"  # one of a pipeline is for those of its stages that draw
    else:
        yield from _of_acting(settings, reads, command)
        if settings.placement is not None and getattr(settings.recipe.sampler, "engine", None) is not None:
            yield TWO_DRAW
    alone = settings.budget.processes == 1 and not hasattr(settings, "loop") and not here().several
    if alone and getattr(settings.placement, "learners", False):
        yield "placement.learners: one process learns, and it is this one; say how many are to be started there (budget.processes), or leave it out"


def _of_views(recipe: Recipe, reads: list[Name], views: Mapping[str, Any]) -> Iterator[str]:
    """What names with a view ask of models that only the configuration can name, and what it names that nobody asks."""
    further = [term.loss for term in (*recipe.reward_penalties, *(t for t in recipe.terms if t.data))] + [*recipe.intrinsic.values()]
    reads = [*reads, *(Name.parse(name) for part in further for name in needs(part))]
    reads += [Name("logp", view=part.by) for part in recipe.intrinsic.values() if part.by]
    made = {"", "old", PROXIMAL, MISMATCHED, *COPIES, *(update.into for update in recipe.updates)}
    asked = {name.view.removeprefix(f"{MISMATCHED}_"): name for name in reads if name.known}
    for view, name in asked.items():
        if view not in made and view not in views and view not in recipe.learners:
            yield (
                f"views.{view}: the recipe reads {name}, and no model is given that says it; name one: views: {{{view}: FOLDER}}, a hub id or {{part: NAME, ...}} "
                "(the policy itself, told more, is {part: in_context, template: ...}, or {part: own_success})"
            )
    for view in views:
        if view in ("", "old", PROXIMAL, MISMATCHED):
            yield f"views.{view}: that is the policy itself at another time and no model; give it another name"
        if view not in asked and view not in getattr(recipe.sampler, "views", ()):
            said = f"it reads {', '.join(sorted(set(asked) - made))}" if set(asked) - made else "it reads no other model"
            yield f"views.{view}: nothing in the recipe asks it ({said}); leave it out, or take a recipe with a teacher (gkd, on_policy_distillation)"


def _of_budget(budget: Budget) -> Iterator[str]:
    for name in ("steps", "batch_size", "gradient_accumulation_steps", "evaluation_rows", "keep_checkpoints"):
        if getattr(budget, name) < 1:
            yield f"budget.{name}: it is {getattr(budget, name)} and must be at least 1"
    for name in ("evaluate_every", "save_every", "log_completions_every", "log_tokens_every", "tokens_per_micro_batch"):
        least = 1 if name == "log_completions_every" else 0
        if getattr(budget, name) < least:
            yield f"budget.{name}: it is {getattr(budget, name)} and must be at least {least}"
    for name in budget.report_to:
        if name not in TRACKERS:
            yield f"budget.report_to: {unknown('tracker', name, list(TRACKERS))}"


def _of_recipe(recipe: Recipe) -> Iterator[str]:
    if not recipe.terms:
        yield "recipe.terms: there is nothing to minimise; give at least one term"
    for place, optimiser in (("recipe", recipe.optimiser), *((f"recipe.learners.{k}", v.optimiser) for k, v in recipe.learners.items())):
        rate = optimiser.learning_rate
        if not (is_schedule(rate) or is_controller(rate)) and rate < 0:
            yield f"{place}.optimiser.learning_rate: it is {rate} and must not be negative"
        if not all(0 <= beta < 1 for beta in getattr(optimiser, "betas", ())):
            yield f"{place}.optimiser.betas: each must be at least 0 and below 1"
        for name in ("weight_decay", "eps"):
            if getattr(optimiser, name, 0) < 0:
                yield f"{place}.optimiser.{name}: it is {getattr(optimiser, name)} and must not be negative"
        if optimiser.max_grad_norm <= 0:
            yield f"{place}.optimiser.max_grad_norm: it is {optimiser.max_grad_norm} and must be above 0 (1e9 for no bound)"
    for i, term in enumerate(recipe.terms):
        if term.data not in ("", "rollouts", "lessons"):
            yield f"recipe.terms.{i}.data: a run from a file has no further data {term.data!r}; leave it out, or write the run in Python (FitJob's streams)"
    drawn_at = recipe.temperature
    if drawn_at is not None and not (is_schedule(drawn_at) or is_controller(drawn_at)) and drawn_at <= 0:
        yield f"recipe.temperature: it is {drawn_at}, so every answer to a prompt would be the same; it must be above 0"
    for name in ("epochs", "minibatches"):
        if getattr(recipe, name) < 1:
            yield f"recipe.{name}: it is {getattr(recipe, name)} and must be at least 1"
    if recipe.ahead < 0:
        yield f"recipe.ahead: it is {recipe.ahead} and must be at least 0"
    if recipe.refills < 0:
        yield f"recipe.refills: it is {recipe.refills} and must be at least 0"
    if recipe.refills and not recipe.selection:
        yield "recipe.refills: nothing is ever dropped, so nothing can be refilled; name a selection, or set refills to 0"


def _of_acting(settings: Any, reads: list[Name], command: dict[str, str]) -> Iterator[str]:
    recipe, decoding = settings.recipe, settings.decoding
    pair = next((n for n in reads if n.side in SIDES), None)
    if pair is not None and recipe.pairing is None:
        yield (
            f"recipe: it reads {pair}, so it learns from pairs and not from what the policy does; use {command['fit']}, or have the rollouts compared "
            "with pairing (recipe.pairing: consecutive)"
        )
    if pair is None and recipe.pairing is not None:
        yield "recipe.pairing: rollouts are compared and no term reads a pair; leave it out, or take a comparison (pairwise)"
    if recipe.judge is not None and recipe.pairing is None:
        yield "recipe.judge: there is nothing to compare; say which answers are, with recipe.pairing"
    if recipe.pairing is None and any(term.data == "rollouts" for term in recipe.terms):
        yield "recipe.terms: one reads the stream rollouts, which is there where recipe.pairing makes pairs of them; leave data out"
    if (
        not recipe.selection
        and not any(name.quantity == "advantage" for name in reads)
        and not any(t.data for t in recipe.terms)
        and not any(name.view in settings.views for name in reads)
        and pair is None
    ):
        yield f"recipe: nothing in it reads the reward, so what the policy does would teach it nothing; use {command['fit']}"
    if decoding.max_completion_length < 1:
        yield f"decoding.max_completion_length: it is {decoding.max_completion_length} and must be at least 1"
    if decoding.temperature <= 0:
        yield f"decoding.temperature: it is {decoding.temperature}, so every answer to a prompt would be the same; it must be above 0"
    each = getattr(recipe.sampler, "num_generations", None)
    if each is not None and each < 1:
        yield f"recipe.sampler.num_generations: it is {each} and must be at least 1"
    n = getattr(recipe.sampler, "answers", each)  # sequences of a prompt
    if recipe.pairing is not None and n == 1:
        yield "recipe.sampler.num_generations: it is 1, and answers to one prompt are compared with each other; draw at least 2"
    if recipe.advantage is not None and n == 1 and "group" in needs(recipe.advantage):
        yield (
            f"recipe.sampler.num_generations: it is 1, and {describe(recipe.advantage)} compares the answers to one prompt with each other, so "
            "that every advantage would be 0; draw at least 2"
        )
    reads_advantage = any(name.quantity == "advantage" for name in reads)
    if reads_advantage and recipe.advantage is None:
        yield "recipe.advantage: it is missing, and a term reads it; name one of credit.advantages"
    sequences = settings.budget.rows * (n or 1)
    if recipe.minibatches > sequences:
        yield f"recipe.minibatches: {recipe.minibatches} of them cannot be made of {sequences} sequences; lower it or raise batch_size"
    if recipe.minibatches * recipe.epochs > 1:
        for i, term in enumerate(recipe.terms):
            if "advantage" in needs(term.loss) and not getattr(term.loss, "follows", "old_logp" in needs(term.loss)):
                yield (
                    f"recipe.terms.{i}.loss: {describe(term.loss)} is right only for the policy that acted, and epochs * minibatches is "
                    f"{recipe.minibatches * recipe.epochs}; set both to 1, or take a loss with a ratio (clip)"
                )
    for name, learning in recipe.learners.items():
        if learning.first >= settings.budget.steps:
            yield (
                f"recipe.learners.{name}.first: in {learning.first} steps the policy is to rest, and budget.steps is {settings.budget.steps}, so that it would never learn; "
                "lower the one or raise the other"
            )
    if any(name.quantity in ("value", "target") for name in reads) and not recipe.learners:
        yield "recipe.learners: a part reads a critic's value and there is no critic; see guerdon show ppo"


def _names(recipe: Recipe) -> Iterator[Name]:
    parts = [term.loss for term in recipe.terms if not term.data]
    parts += [part for part in (recipe.segments, recipe.advantage, recipe.target, recipe.pairing) if part is not None]
    for part in parts:
        yield from (Name.parse(name) for name in needs(part))
