"""Starts: what came of prompts so far → how much of a demonstration the next answers to each begin with."""

from typing import Any, Protocol

from torch import Tensor


class Starts(Protocol):
    """``reward`` [B] and the row of the task that each answers, ``prompt_id`` [B] in 0 .. size - 1 → a share of the demonstration for each of the ``size`` rows, from 0 to 1,
    and the new state."""

    def init(self) -> dict[str, Any]: ...

    def __call__(self, reward: Tensor, prompt_id: Tensor, size: int, state: dict[str, Any]) -> tuple[Tensor, dict[str, Any]]: ...
