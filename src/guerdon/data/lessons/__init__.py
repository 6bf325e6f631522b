"""Lessons: what came of prompts → those whose demonstrations are learned from next, apart from what the policy does."""

from typing import Any, Protocol

from torch import Tensor


class Lessons(Protocol):
    """``reward`` [B] and the row of the task that each answers, ``prompt_id`` [B] → the rows of a lesson that is due now, [] where none is, and the new state.

    ``column``: of the task, in which the demonstration stands.
    """

    column: str

    def init(self) -> dict[str, Any]: ...

    def __call__(self, reward: Tensor, prompt_id: Tensor, state: dict[str, Any]) -> tuple[list[int], dict[str, Any]]: ...
