"""Drawn answers: the answers that a model gave to a task's prompts, as far as the task's reward likes them, as rows to learn from.

    for each row of ``of``: ``draws`` answers of ``model`` at ``temperature``;  scores = the reward of ``of``;  rows = ``curate`` of them, a part of ``data.curation``

What is learned of a judge's verdicts, or of a stronger model's solutions, are those that were right. ``model`` is who writes: a language model that runs here, the one that is
trained or another, or an endpoint, whose answers are remembered (``feedback.writers``). What was cut off, or could not be had, is not scored. With a curation that makes
pairs (``best_worst_pairs``) what is right can be preferred to what is wrong. Rows are drawn when they are first asked for, the same for the same ``seed``.

Source: every right sample, STaR, arXiv 2203.14465, and rejection-sampling fine-tuning, arXiv 2308.01825; of a judge's verdicts, GenRM, Mahan et al. 2024, arXiv 2410.12832
(STaR-SFT and STaR-DPO, by summaries). Four draws, of which one that is right is kept, are ours.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from guerdon.catalogue import resolve
from guerdon.errors import InputError
from guerdon.feedback.asked import writer_of
from guerdon.feedback.rewards import Reward
from guerdon.feedback.writers import Answer, Question, Writer
from guerdon.randomness import derive
from guerdon.tasks import Row, Task
from guerdon.tasks.dataset import as_task


def _right() -> Any:
    """One that is right of each."""
    return resolve("rejection_sampling", "data.curation")(threshold=1.0)


@dataclass(frozen=True)
class DrawnAnswers:
    of: Task
    model: Writer
    draws: int = 4
    temperature: float = 1.0
    max_tokens: int = 512
    curate: Any = field(default_factory=_right)
    seed: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "of", as_task(self.of))
        if self.draws < 1 or self.temperature < 0 or self.max_tokens < 1 or (self.draws > 1 and self.temperature == 0):
            raise InputError(
                f"drawn_answers: draws is {self.draws}, temperature {self.temperature:g} and max_tokens {self.max_tokens}; draw 1 or more of 1 or more tokens, and several at a "
                "temperature above 0, at which they can differ"
            )
        if self.of.reward is None:
            raise InputError(
                "drawn_answers: the task that is drawn for brings no reward, so nobody says which answers to keep; give it one (of.reward)"
            )

    def train(self) -> Sequence[Row]:
        return self._sides[0]

    def test(self) -> Sequence[Row]:
        return self._sides[1]

    @property
    def reward(self) -> Reward:
        return self.of.reward

    def notes(self) -> list[str]:
        """What the user is to be told: how many answers were drawn, scored and kept."""
        return [*getattr(self.of, "notes", list)(), f"drawn answers: {self._found[0][1]}"]

    # Inside

    @property
    def _sides(self) -> tuple[Sequence[Row], Sequence[Row]]:
        return self._found[0][0], self._found[1][0]

    @cached_property
    def _found(self) -> list[tuple[list[Row], str]]:
        """The rows of either side, and what became of what was drawn."""
        writer = writer_of(self.model)  # not kept: what was built for it goes
        sides = self.of.sides() if hasattr(self.of, "sides") else (self.of.train(), self.of.test())
        found = [self._drawn(writer, rows, side) for rows, side in zip(sides, ("train", "test"), strict=True)]
        if not found[0][0]:
            raise InputError(
                f"drawn_answers: nothing is kept of what was drawn ({found[0][1]}); look at what the model says, draw more, or ask less of them (curate)"
            )
        return found

    def _drawn(self, writer: Any, rows: Sequence[Row], side: str) -> tuple[list[Row], str]:
        prompts = [rows[i]["prompt"] for i in range(len(rows))]
        asked = [
            Question(_messages(prompt), self.max_tokens, self.temperature, derive(self.seed, "draw", side, k))
            for prompt in prompts
            for k in range(self.draws)
        ]
        said = writer(asked) if asked else []
        which = [i for i in range(len(rows)) for _ in range(self.draws)]
        completions = [_as(prompts[i], answer.text) for i, answer in zip(which, said, strict=True)]
        columns = {
            name: [rows[i].get(name) for i in which]
            for name in sorted({n for i in range(len(rows)) for n in rows[i]} - {"prompt", "completion"})
        }
        given = self.of.reward([prompts[i] for i in which], completions, **columns) if asked else []
        scores = [score if not answer.why and answer.ended else None for score, answer in zip(given, said, strict=True)]
        scored = []
        for i in range(len(rows)):
            own = slice(i * self.draws, (i + 1) * self.draws)
            scored.append({**_without(rows[i], "completion"), "completions": completions[own], "scores": scores[own]})
        kept = self.curate(scored)
        return kept, _told(len(rows), said, scores, len(kept))


def _messages(prompt: Any) -> tuple[Any, ...]:
    return ({"role": "user", "content": prompt},) if isinstance(prompt, str) else tuple(prompt)


def _as(prompt: Any, text: str) -> Any:
    return text if isinstance(prompt, str) else [{"role": "assistant", "content": text}]


def _without(row: Row, name: str) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key != name}


def _told(prompts: int, said: Sequence[Answer], scores: Sequence[float | None], kept: int) -> str:
    why = Counter(answer.why or "it was cut off" for answer in said if answer.why or not answer.ended)
    known = [score for score in scores if score is not None]
    mean = f", mean reward {sum(known) / len(known):.2f}" if known else ""
    lost = "".join(f"; {count} not scored, since {reason}" for reason, count in why.most_common(2))
    return f"{kept} rows of {len(said)} answers to {prompts} prompts{mean}{lost}"
