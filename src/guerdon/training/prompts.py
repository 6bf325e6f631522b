"""Prompts: which rows are acted on next, and how often, in an order that is a pure function of the seed and of what came of the rows so far."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from guerdon.data.selection._success import record, success
from guerdon.errors import InputError
from guerdon.parts import describe, needs
from guerdon.randomness import derive, generator
from guerdon.training.recipe import Recipe


class Prompts:
    """Draws the rows of a step: epoch by epoch, each a permutation of its own, or by the weights that ``weighing`` gives; and deals out answers by ``allocation``."""

    def __init__(self, rows: Sequence[Mapping[str, Any]], seed: int, recipe: Recipe):
        self.rows, self.size, self.seed = rows, len(rows), seed
        self.drawn = 0
        self.order: tuple[int, Tensor] = (-1, torch.empty(0))  # the epoch whose order is at hand, and that order
        self.knowledge: dict[str, Any] = recipe.weighing.init() if recipe.weighing is not None else {}
        self.tried: dict[str, Tensor] = {}  # how often each row was, and was solved: what an allocation goes by
        self.begun: dict[str, Any] = recipe.starts.init() if recipe.starts is not None else {}
        self.columns: dict[str, Tensor] = {}  # of the rows, those that were read

    def draw(self, count: int, recipe: Recipe, progress: float) -> list[int]:
        """The indices of the next ``count`` rows."""
        if recipe.weighing is not None:
            nothing = torch.zeros(0)
            weight, _ = self._weigh(recipe.weighing, nothing, nothing.long(), progress)
            chosen = recipe.drawing(weight=weight, count=min(count, self.size), seed=derive(self.seed, "prompts", self.drawn)).tolist()
            self.drawn += len(chosen)
            return chosen
        chosen = []
        for place in range(self.drawn, self.drawn + count):
            epoch, inside = divmod(place, self.size)
            if self.order[0] != epoch:
                self.order = (epoch, torch.randperm(self.size, generator=generator(self.seed, "order", epoch)))
            chosen.append(int(self.order[1][inside]))
        self.drawn += count
        return chosen

    def dealt(self, chosen: Sequence[int], recipe: Recipe) -> dict[str, Tensor]:
        """What the sampler is told of each of the chosen rows: how many answers it gets, and with how much of a demonstration they begin."""
        told: dict[str, Tensor] = {}
        if recipe.allocation is not None:
            told["counts"] = self._counts(chosen, recipe)
        if recipe.starts is not None:
            nothing = torch.zeros(0)
            share, _ = recipe.starts(reward=nothing, prompt_id=nothing.long(), size=self.size, state=self.begun)
            told["shares"] = share[torch.tensor(chosen, dtype=torch.long)]
        return told

    def _counts(self, chosen: Sequence[int], recipe: Recipe) -> Tensor:
        rate = success(self.tried, unseen=torch.nan) if self.tried else torch.full((self.size,), torch.nan, dtype=torch.float64)
        return recipe.allocation(rate, torch.tensor(chosen, dtype=torch.long), recipe.sampler.num_generations * len(chosen))

    def learn(self, reward: Tensor, rows: Tensor, recipe: Recipe) -> None:
        """Tell weighing and allocation what came of the rows that were tried: the reward [B] of each attempt, and its row [B]."""
        if not len(reward):
            return
        if recipe.weighing is not None:
            _, self.knowledge = self._weigh(recipe.weighing, reward, rows, 0.0)
        if recipe.starts is not None:
            _, self.begun = recipe.starts(reward=reward, prompt_id=rows, size=self.size, state=self.begun)
        if recipe.allocation is not None:
            self.tried = record(self.tried, reward, rows, self.size, recipe.allocation.decay)

    def _weigh(self, weighing: Any, reward: Tensor, rows: Tensor, progress: float) -> tuple[Tensor, dict[str, Any]]:
        asked = needs(weighing)
        told: dict[str, Any] = {"progress": progress} if "progress" in asked else {}
        told |= {name: self._column(name, weighing) for name in ("level", "task") if name in asked}
        return weighing(reward=reward, prompt_id=rows, size=self.size, state=self.knowledge, **told)

    def _column(self, kind: str, weighing: Any) -> Tensor:
        """A column of all rows: levels as numbers, tasks as indices in the order in which they first come."""
        if kind not in self.columns:
            name = weighing.column
            missing = next((i for i, row in enumerate(self.rows) if row.get(name) is None), None)
            if missing is not None:
                there = ", ".join(self.rows[missing])
                raise InputError(
                    f"row {missing} of the task has nothing in the column {name!r} (columns: {there}), which recipe.weighing reads; name another with "
                    f"recipe.weighing.column, or leave {describe(weighing)} out"
                )
            found = [row[name] for row in self.rows]
            if kind == "level":
                self.columns[kind] = _numbers(found, name)
            else:
                places: dict[Any, int] = {}
                self.columns[kind] = torch.tensor([places.setdefault(value, len(places)) for value in found], dtype=torch.long)
        return self.columns[kind]

    def state(self) -> dict[str, Any]:
        return {"drawn": self.drawn, "knowledge": self.knowledge, "tried": self.tried, "begun": self.begun}

    def restore(self, state: Mapping[str, Any]) -> None:
        self.drawn, self.knowledge = state["drawn"], state["knowledge"]
        self.tried, self.begun = state.get("tried", {}), state.get("begun", {})


def _numbers(values: Sequence[Any], column: str) -> Tensor:
    try:
        return torch.tensor([float(value) for value in values], dtype=torch.float64)
    except (TypeError, ValueError) as error:
        wrong = next(value for value in values if not isinstance(value, int | float))
        raise InputError(f"the column {column!r} holds {wrong!r}; levels of difficulty are numbers, the higher the harder") from error


def rows_at(rows: Sequence[Any], indices: Sequence[int]) -> list[Any]:
    """The rows at those indices; works for rows that are made as they are asked for."""
    return [rows[i] for i in indices]
