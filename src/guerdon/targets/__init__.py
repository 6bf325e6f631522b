"""Targets: what a recipe is to minimise, written down once more without its parts, in a world that can be enumerated.

Parts are tested by witnesses. A recipe puts right parts together, and the sum may still be wrong: a baseline that halves the penalty beside it, a
share that is taken over the wrong set. So every recipe has a ``target`` beside it (or says in ``no_target`` why it has none):

* a ``Target``: the objective of the paper in plain torch, on tables of log-probabilities, and *where* it is looked at (``on``): a file of pairs, of
  verdicts, of rankings (``offline``), or a bandit or game in which the recipe acts (``acting``). There the recipe's loop is run, ``fit`` or ``improve``, with
  everything that the recipe has switched on, for one plain gradient step; where it acts, once for every outcome that its draws can have, weighed by its
  probability. The parameters must have moved by minus the gradient of the objective.
* an ``Optimum``: a policy at which the method is to stand still, known from what it claims to optimise, where people compare as ``prefer`` says. This
  holds the method to what it is for, where a ``Target`` holds it to its own equation.

The numbers in a target are the paper's (or what the recipe's docstring says instead of them); they are not read off the recipe, since that is what is tested.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from torch import Tensor

from guerdon.training.recipe import Recipe


class Setting(Protocol):
    """Where a recipe is looked at: data, or a world."""

    def gradient(self, recipe: Recipe) -> Tensor:
        """By how much one plain step of the recipe's own loop lowers each parameter, in expectation."""
        ...

    def exact(self, objective: Callable[[Any], Tensor]) -> Tensor:
        """The gradient of the objective by the same parameters."""
        ...


@dataclass(frozen=True)
class Target:
    """The objective of a recipe.

    Attributes:
        says: it, in a line.
        objective: what is minimised, of what the setting shows (``targets.seen``): plain torch, and none of the library's parts.
        on: where the two are compared.
        recipe: another recipe than that of the file, a variant that its docstring names.
        up_to: why a positive factor is left open; None: it is not.
    """

    says: str
    objective: Callable[[Any], Tensor]
    on: Setting
    recipe: Recipe | None = None
    up_to: str | None = None

    def both(self, recipe: Recipe) -> tuple[Tensor, Tensor]:
        """The recipe's expected gradient and the objective's; where a factor is left open, the first times that which fits best."""
        found, wanted = self.on.gradient(self.recipe or recipe), self.on.exact(self.objective)
        if self.up_to is not None:
            factor = (found @ wanted) / (found @ found)
            assert factor > 0, f"the recipe goes the other way: {factor}"
            found = factor * found
        return found, wanted


@dataclass(frozen=True)
class Optimum:
    """A policy at which a recipe is to stand still.

    Attributes:
        says: what it maximises, in a line.
        policy: probabilities of the reference [S], and what ``on`` compares by (rewards [S], or preferences [S, S]) → probabilities [S].
        on: where; it has ``gradient_at(recipe, policy)`` and ``worth``, what answers are compared by.
    """

    says: str
    policy: Callable[[Tensor, Tensor], Tensor]
    on: Any
    recipe: Recipe | None = None

    def both(self, recipe: Recipe) -> tuple[Tensor, Tensor]:
        """The recipe's expected gradient at the optimum, and, so that nothing holds for want of a gradient, at the reference."""
        own, reference = self.recipe or recipe, self.on.reference
        best = self.policy(reference, self.on.worth)
        return self.on.gradient_at(own, best), self.on.gradient_at(own, reference)


def targets_of(module: Any) -> tuple[Target | Optimum, ...]:
    """The targets of a recipe's file; none where it says why."""
    found = getattr(module, "target", ())
    return found if isinstance(found, tuple) else (found,)
