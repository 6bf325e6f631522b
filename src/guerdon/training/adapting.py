"""Adapting: a trained model of people's preferences learns what somebody new likes, from few comparisons, and nothing else.

    adapted = adapt(model, examples, recipe, budget)          # rows of user 0, 1 ...: the new ones
    adapted.model.score(prompts, completions, user=[0] * len(prompts))

What belongs to nobody in particular is frozen. What is somebody's own starts as the mean over the users that the model knows, and is fitted
by ``recipe``; a head without such parameters is only told of the comparisons. The model that was trained stays as it is.
"""

from collections.abc import Sequence
from typing import Any

from guerdon.errors import InputError
from guerdon.sequences import Example
from guerdon.training.loops.fit import Fitted, fit
from guerdon.training.recipe import Budget, Recipe


def adapt(model: Any, examples: Sequence[Example], recipe: Recipe, budget: Budget = Budget(), users: int | None = None) -> Fitted:
    """The model for new users, fitted to their comparisons.

    Args:
        examples: of the new users, who are counted from 0 on.
        users: how many there are; None: those who occur.

    Raises:
        InputError: the examples do not say whose they are, or the model scores for nobody in particular.
    """
    if not examples or any("user" not in e.columns for e in examples):
        raise InputError("adapting to new users takes comparisons with a column 'user', an index from 0 on among the new ones")
    if not hasattr(model, "for_new_users"):
        raise InputError(f"a {type(model).__name__} scores for nobody in particular, so there are no new users to adapt it to")
    new = model.for_new_users(int(max(e.columns["user"] for e in examples)) + 1 if users is None else users)
    acquaint(new, examples)
    return fit(new, examples, recipe, budget) if learns(new) else Fitted(new, [])


def acquaint(model: Any, examples: Sequence[Example]) -> None:
    """Let a model that asks for it know which comparisons its users have made."""
    if hasattr(getattr(model, "head", None), "acquaint"):
        model.acquaint(examples)


def conclude(model: Any, examples: Sequence[Example]) -> None:
    """Let a model that asks for it know which rows it was fitted to, now that it is."""
    if hasattr(getattr(model, "head", None), "conclude"):
        model.conclude(examples)


def learns(model: Any) -> bool:
    """Whether there is anything in the model that gradients could move."""
    return any(p.requires_grad for p in model.module.parameters())
