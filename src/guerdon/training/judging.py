"""Judging: how rows become contexts to act in, and what was done becomes reward components.

Text goes through an encoder and reward functions; a finite world reads its own table. The loops know neither.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from guerdon.errors import InputError
from guerdon.feedback.running import RewardRunner, Scored
from guerdon.sequences import Sequences
from guerdon.tasks.encoding import Encoder, template_variables
from guerdon.tasks.rows import at_row

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Judged:
    """What judging says of B sequences: components and validity, and how each is shown to a reader."""

    scored: Scored
    prompts: list[Any]
    completions: list[Any]


class Scene(Protocol):
    """Where the policy acts and is judged. ``seed``: of whatever is random in the verdict. ``truncated``: contexts that had to be cut so far."""

    truncated: int

    def contexts(self, rows: Sequence[Row]) -> list[Tensor]: ...

    def judge(self, rollouts: Sequences, rows: Sequence[Row], seed: int) -> Judged: ...

    def close(self) -> None: ...


class TextScene:
    """Prompts and completions are text; every column of a row is passed to the rewards."""

    def __init__(self, encoder: Encoder, rewards: RewardRunner):
        self.encoder, self.rewards = encoder, rewards

    @property
    def truncated(self) -> int:
        return self.encoder.truncated["prompt"]

    def contexts(self, rows: Sequence[Row]) -> list[Tensor]:
        """The prompts' tokens.

        Raises:
            InputError: a row has no prompt, or one that does not fit; the sentence names the row.
        """
        out = []
        for i, row in enumerate(rows):
            with at_row(i, "the task"):
                if "prompt" not in row:
                    raise InputError(f"has no column 'prompt' (columns: {', '.join(row)})")
                out.append(torch.tensor(self.encoder.encode_prompt(row["prompt"], **template_variables(row))))
        return out

    def judge(self, rollouts: Sequences, rows: Sequence[Row], seed: int) -> Judged:
        """Decode every completion and run every reward on it."""
        answered = [rows[i] for i in rollouts.context.tolist()]
        prompts = [row["prompt"] for row in answered]
        ids = [rollouts.actions[b, :n].tolist() for b, n in enumerate(rollouts.length.tolist())]
        completions = [self.encoder.completion(prompt, tokens) for prompt, tokens in zip(prompts, ids, strict=True)]
        names = {name for row in answered for name in row} - {"prompt", "completion"}
        columns = {name: [row.get(name) for row in answered] for name in sorted(names)}
        scored = self.rewards.score(prompts, completions, columns | {"completion_ids": ids})
        return Judged(scored, prompts, completions)

    def close(self) -> None:
        self.rewards.close()


class FiniteScene:
    """A finite world: a row's prompt is a context's index, and the world knows the reward of every sequence."""

    truncated = 0

    def __init__(self, world: Any):
        self.world = world

    def contexts(self, rows: Sequence[Row]) -> list[Tensor]:
        return [torch.tensor([int(row["prompt"])]) for row in rows]

    def judge(self, rollouts: Sequences, rows: Sequence[Row], seed: int) -> Judged:
        reward = self.world.reward_of(rollouts, seed)
        none = torch.zeros(len(rollouts), dtype=torch.bool)
        prompts = [rows[i]["prompt"] for i in rollouts.context.tolist()]
        completions = [rollouts.actions[b, :n].tolist() for b, n in enumerate(rollouts.length.tolist())]
        return Judged(Scored({"world": reward}, none, [None] * len(rollouts)), prompts, completions)

    def close(self) -> None:
        pass
