"""Reasoning gym: every generator of the ``reasoning-gym`` package by name, its problems made as they are asked for.

    rows: prompt, answer (None where many answers are right), metadata, and what else the generator gives

One stream of problems, each with a seed of its own: the first ``test_size`` are held out, the next ``train_size`` are practised on, and the
last replace those of the training side that happen to ask a question that is held out (``without_held_out``).

Not every generator is a pure function of seed and index: those that make all their problems at once (acre) depend on the sizes, and a few walk
through sets (isomorphic_strings, knight_swap, polynomial_multiplication, ransom_note, word_ladder), so their problems repeat in another process
only with the same PYTHONHASHSEED.

``train_size`` 10,000: a few generators make all their problems at once.

Source: Reasoning Gym, arXiv 2505.24760; its ``create_dataset`` and ``score_answer``.
"""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from guerdon.errors import InputError
from guerdon.randomness import derive
from guerdon.tasks._generators import create
from guerdon.tasks.reasoning_gym_score import ReasoningGymScore
from guerdon.tasks.rows import LazyRows, Row

_PATIENCE = 200


@dataclass(frozen=True)
class ReasoningGym:
    """One generator.

    Attributes:
        name: as reasoning-gym calls it ("leg_counting").
        config: settings of the generator: its difficulty.
        tag: the answer stands between <tag> and </tag>; None: the whole completion is the answer.
        system: what the system says first; the prompt becomes a conversation.
        chat: make the prompt a conversation without a system turn.
        train_size, test_size: how many rows there are.
        seed: which stream of problems.
        without_held_out: replace a training row whose question is held out by one of the spare problems.
    """

    name: str
    config: Mapping[str, Any] = field(default_factory=dict)
    tag: str | None = None
    system: str | None = None
    chat: bool = False
    train_size: int = 10_000
    test_size: int = 100
    seed: int = 0
    without_held_out: bool = True

    def train(self) -> Sequence[Row]:
        return LazyRows(self._train_row, self.train_size)

    def test(self) -> Sequence[Row]:
        return LazyRows(self._row, self.test_size)

    @property
    def reward(self) -> ReasoningGymScore:
        return ReasoningGymScore(self.name, self.config, self.tag)

    @cached_property
    def _problems(self) -> Any:
        size = self.test_size + self.train_size + self._spare
        return create(self.name, self.config, size, derive(self.seed, "reasoning gym", self.name) % 2**31)

    @property
    def _spare(self) -> int:
        return max(self.test_size, 100) if self.without_held_out else 0

    @cached_property
    def _held_out(self) -> frozenset[str]:
        return frozenset(self._problems[i]["question"] for i in range(self.test_size))

    def _train_row(self, index: int) -> Row:
        place = self.test_size + index
        row = self._row(place)
        if self.without_held_out and self._question(row) in self._held_out:
            again = (self.test_size + self.train_size + derive(index, "again", k) % self._spare for k in range(_PATIENCE))
            row = next((r for r in map(self._row, again) if self._question(r) not in self._held_out), None)
            if row is None:
                raise InputError(
                    f"{self.name} has too few problems to hold {self.test_size} out; make them larger through config, or set without_held_out=False"
                )
        return row

    def _row(self, index: int) -> Row:
        entry = copy.deepcopy(self._problems[index])
        question = entry.pop("question")
        if self.chat or self.system is not None:
            start = [] if self.system is None else [{"role": "system", "content": self.system}]
            return {"prompt": [*start, {"role": "user", "content": question}], **entry}
        return {"prompt": question, **entry}

    @staticmethod
    def _question(row: Row) -> str:
        return row["prompt"] if isinstance(row["prompt"], str) else row["prompt"][-1]["content"]
