"""Prompts: which rows are acted on next, in an order that is a pure function of the seed and of what came of the rows so far."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from guerdon.data.selection import Drawing, Weighing
from guerdon.randomness import derive, generator


class Prompts:
    """Draws the rows of a step: epoch by epoch, each a permutation of its own, or by the weights that ``weighing`` gives."""

    def __init__(self, size: int, seed: int, weighing: Weighing | None = None, drawing: Drawing | None = None):
        self.size, self.seed, self.weighing, self.drawing = size, seed, weighing, drawing
        self.drawn = 0
        self.order: tuple[int, Tensor] = (-1, torch.empty(0))  # the epoch whose order is at hand, and that order
        self.knowledge: dict[str, Any] = weighing.init() if weighing is not None else {}

    def draw(self, count: int) -> list[int]:
        """The indices of the next ``count`` rows."""
        if self.weighing is not None:
            nothing = torch.zeros(0)
            weight, _ = self.weighing(reward=nothing, prompt_id=nothing.long(), size=self.size, state=self.knowledge)
            chosen = self.drawing(weight=weight, count=min(count, self.size), seed=derive(self.seed, "prompts", self.drawn)).tolist()
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

    def learn(self, reward: Tensor, rows: Tensor) -> None:
        """Tell the weighing what came of the rows that were tried: the reward [B] of each attempt, and its row [B]."""
        if self.weighing is not None and len(reward):
            _, self.knowledge = self.weighing(reward=reward, prompt_id=rows, size=self.size, state=self.knowledge)

    def state(self) -> dict[str, Any]:
        return {"drawn": self.drawn, "knowledge": self.knowledge}

    def restore(self, state: Mapping[str, Any]) -> None:
        self.drawn, self.knowledge = state["drawn"], state["knowledge"]


def rows_at(rows: Sequence[Any], indices: Sequence[int]) -> list[Any]:
    """The rows at those indices; works for rows that are made as they are asked for."""
    return [rows[i] for i in indices]
