"""Conversing: listens while a sampler lets the policy answer again and again, has each answer judged by itself, and says what the policy is told.

    answers of one round → verdicts → what a reply says of them → tokens

A round is judged as if its answers were the only ones to their prompts, once: before the next one is drawn where the reply reads the reward, else when all are there.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from guerdon.acting.replies import Reply
from guerdon.feedback.combining import Combining
from guerdon.feedback.running import Scored
from guerdon.parts import call, needs, wants
from guerdon.processes import Processes
from guerdon.randomness import derive
from guerdon.sequences import Sequences
from guerdon.training.judging import Judged, Row, Scene
from guerdon.training.spreading import judged


class Conversing:
    """The conversation of one batch; see ``guerdon.acting.samplers.Conversation``.

    Args:
        rows: that the contexts of sequences are of.
        seed: of whatever is random in the verdicts.
        combine: components → the reward of an answer.
        attempts: how many answers there are at most.
        processes: those that share in it.
    """

    def __init__(self, scene: Scene, rows: Sequence[Row], seed: int, combine: Combining, attempts: int, processes: Processes):
        self.scene, self.rows, self.seed, self.combine, self.attempts, self.processes = scene, rows, seed, combine, attempts, processes
        self.rounds: list[tuple[Sequences, Tensor]] = []  # answers, and of which row each is
        self.verdicts: dict[int, Judged] = {}  # by round
        self.asked: dict[int, int] = {}  # the prompt of each row
        self.pieces: dict[int, list[list[int] | str]] = {}  # what each row said and was told, in turn

    def hear(self, said: Sequences, rows: Tensor, attempt: bool = True) -> None:
        for place, (row, length, prompt) in enumerate(zip(rows.tolist(), said.length.tolist(), said.context.tolist(), strict=True)):
            self.asked[row] = prompt
            self.pieces.setdefault(row, []).append(said.actions[place, :length].tolist())
        if attempt:
            self.rounds.append((said, rows))

    def replied(self, reply: Reply) -> list[tuple[str, ...]]:
        latest = len(self.rounds) - 1
        said, _ = self.rounds[latest]
        answered = [self.rows[prompt] for prompt in said.context.tolist()]
        known: dict[str, Any] = {"row": answered}
        read = needs(reply) | wants(reply)
        if "reward" in read:
            scored = self._judged(latest).scored
            known["reward"] = torch.where(scored.invalid, torch.nan, call(self.combine, {"components": scored.components}))
        if "completion" in read:
            known["completion"] = [
                self.scene.transcript(row, [said.actions[b, :length].tolist()])
                for b, (row, length) in enumerate(zip(answered, said.length.tolist(), strict=True))
            ]
        known["prompt"] = [row["prompt"] for row in answered]
        return self.processes.from_first(lambda: call(reply, known), "replying")  # whoever writes may write another thing each time

    def tell(self, rows: Tensor, texts: Sequence[str]) -> list[Tensor]:
        told = []
        for row, text in zip(rows.tolist(), texts, strict=True):
            told.append(self.scene.told(self.rows[self.asked[row]], self.pieces[row][-1], text))
            self.pieces[row].append(text)
        return told

    def judged(self, rollouts: Sequences) -> Judged:
        """The verdicts on whole sequences: those on the last answer of each, and, by component, on every answer. One that failed makes the sequence invalid."""
        count = len(rollouts)
        invalid, errors = torch.zeros(count, dtype=torch.bool), [None] * count
        each: dict[str, Tensor] = {}
        last = torch.zeros(count, dtype=torch.long)
        for k, (_, rows) in enumerate(self.rounds):
            found = self._judged(k)
            last[rows] = k
            invalid[rows] |= found.scored.invalid
            for place, row in enumerate(rows.tolist()):
                errors[row] = errors[row] or found.scored.errors[place]
            for name, values in found.scored.components.items():
                if name not in each:
                    each[name] = torch.full((count, self.attempts), torch.nan, dtype=values.dtype)
                each[name][rows, k] = values
        components = {name: values.gather(1, last.unsqueeze(-1)).squeeze(-1) for name, values in each.items()}
        answered = [self.rows[prompt] for prompt in rollouts.context.tolist()]
        completions = [self.scene.transcript(row, self.pieces[b]) for b, row in enumerate(answered)]
        return Judged(Scored(components, invalid, errors), [row["prompt"] for row in answered], completions, each)

    def _judged(self, k: int) -> Judged:
        if k not in self.verdicts:
            said, _ = self.rounds[k]
            seed = derive(self.seed, "attempt", k) if k else self.seed
            self.verdicts[k] = judged(self.scene, said, self.rows, seed, processes=self.processes)
        return self.verdicts[k]
