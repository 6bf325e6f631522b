"""Failed prompts: what no answer solved waits for its demonstration, and a full batch of them is a lesson.

    waiting = the prompts none of whose answers had reward >= threshold, in the order in which they failed, each once
    lesson  = the first ``rows`` of them, as soon as there are so many

The lesson is one gradient step on the terms whose ``data`` is "lessons", on the demonstrations in the task's column, after the step on rollouts.

Source: ReLIFT, Ma et al. 2025, arXiv 2506.07527: prompts whose answers are all wrong go to a buffer with solutions of high quality, and when it holds a batch a step of fine-tuning
is made, then RL goes on. There a stronger model solves them on demand and only solutions that are right are kept; here the task holds them. ``rows`` 128:
its authors' scripts (``sft_data_size``).
"""

from dataclasses import dataclass
from typing import Any

import torch

from guerdon.errors import InputError
from guerdon.quantities import B, Group
from guerdon.thresholds import reaches
from guerdon.witness import Witness


@dataclass(frozen=True)
class FailedPrompts:
    rows: int = 128
    column: str = "solution"
    threshold: float = 0.5

    def __post_init__(self) -> None:
        if self.rows < 1:
            raise InputError(f"a lesson of {self.rows} rows is none; set rows to at least 1")

    def init(self) -> dict[str, Any]:
        return {"waiting": []}

    def __call__(self, reward: B, prompt_id: Group, state: dict[str, Any]) -> tuple[list[int], dict[str, Any]]:
        known = ~reward.isnan()
        solved = set(prompt_id[known & reaches(reward, self.threshold)].tolist())
        tried = dict.fromkeys(prompt_id[known].tolist())
        waiting = list(dict.fromkeys([*state["waiting"], *(row for row in tried if row not in solved)]))
        due = waiting[: self.rows] if len(waiting) >= self.rows else []
        return due, {"waiting": waiting[len(due) :]}


_given = {
    "reward": torch.tensor([0.0, 0.0, 1.0, 0.0, 0.4, 0.0]),
    "prompt_id": torch.tensor([5, 5, 6, 6, 7, 7]),
    "state": {"waiting": [3, 7]},
}
witness = (
    Witness(FailedPrompts(rows=3), given=_given, returns=[3, 7, 5]),
    Witness(FailedPrompts(rows=4), parent=FailedPrompts(rows=3), given=_given, returns=[]),
    Witness(FailedPrompts(rows=4, threshold=2.0), parent=FailedPrompts(rows=4), given=_given, returns=[3, 7, 5, 6]),
)
