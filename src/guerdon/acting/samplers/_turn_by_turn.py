"""Turn by turn: episodes that are acted in together, each in an environment of its own. One that is over leaves the batch, and one may become several."""

import math
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import Protocol

import torch
from torch import Tensor

from guerdon.acting.overflow import Overflow
from guerdon.acting.samplers import Answer, Episodes
from guerdon.acting.samplers._piecewise import Piecewise, within
from guerdon.errors import InputError
from guerdon.models import Policy
from guerdon.randomness import generator
from guerdon.sequences import Decoding, Sequences

# a turn that is about to begin, the rows that speak in it, and the step at which each does → rows that are to go on as others do, and of these as which
Fork = Callable[[int, Sequence[int], Sequence[int]], tuple[list[int], list[int]]]


class Bounds(Protocol):
    """What a sampler says of its turns."""

    turns: int
    turn_length: int | None
    overflow: Overflow


def refuse_no_turns(bounds: Bounds) -> None:
    """
    Raises:
        InputError: there is no turn, or none in which something can be said.
    """
    if bounds.turns < 1 or (bounds.turn_length is not None and bounds.turn_length < 1):
        raise InputError(f"sampler: turns and turn_length are 1 or more, not {bounds.turns} and {bounds.turn_length}")


class TurnByTurn:
    """The episodes of a batch. ``context`` [B] names the prompt of each."""

    def __init__(
        self,
        draw: Policy.sample,
        contexts: Sequence[Tensor],
        context: Tensor,
        decoding: Decoding,
        seed: int,
        episodes: Episodes,
        bounds: Bounds,
    ):
        self.draw, self.decoding, self.seed, self.episodes, self.bounds = draw, decoding, seed, episodes, bounds
        self.so_far = Piecewise(contexts, context, decoding.temperature or 1.0, "turn")
        self.scores = [_Score() for _ in context]
        self.over = torch.zeros(len(context), dtype=torch.bool)

    def all_turns(self, going: Tensor, fork: Fork | None = None) -> Sequences:
        """Act until all that are ``going`` are over."""
        told = [torch.zeros(0, dtype=torch.long)] * len(going)
        for turn in range(self.bounds.turns):
            if fork is not None:
                going, told = self._forked(fork, turn, going, told)
            if not len(going):
                break
            said = self._said(going, told, turn)
            if turn:
                self.so_far.tell(going, told, turn)
            self.so_far.add(going, said, turn)
            room = self.decoding.max_completion_length - self.so_far.length[going] - 1
            answers = self.episodes.answer(said, going, room, self.bounds.overflow, turn == self.bounds.turns - 1)
            for row, answer in zip(going.tolist(), answers, strict=True):
                self.scores[row].add(int(self.so_far.length[row]) - 1, answer)
            self.over[going] = torch.tensor([answer.over for answer in answers], dtype=torch.bool)
            on = torch.tensor([len(answer.told) > 0 for answer in answers], dtype=torch.bool)
            going, told = going[on], [answer.told for answer in answers if len(answer.told)]
        return self._recorded()

    def _recorded(self) -> Sequences:
        out = self.so_far.sequences()
        reward = torch.zeros(out.mask.shape, dtype=torch.float64)
        for row, own in enumerate(self.scores):
            for place, value in own.earned:
                reward[row, place] += value
        turn = out.quantities["turn"]
        agent = self._by_turn([own.speakers for own in self.scores]).gather(1, turn).long()
        duration = self._by_turn([own.durations for own in self.scores]).gather(1, turn) * out.mask
        return out.with_quantities(turn_reward=reward, agent=agent, duration=duration, terminated=self.over)

    def _by_turn(self, each: Sequence[list[float]]) -> Tensor:
        """Numbers of turns as a table, [B, turns]."""
        turns = self.bounds.turns
        return torch.tensor([(own + [0] * turns)[:turns] for own in each], dtype=torch.float64).view(len(each), turns)

    def _said(self, rows: Tensor, told: list[Tensor], turn: int) -> Sequences:
        """The next turn of these rows."""
        so_far = self.so_far
        left = self.decoding.max_completion_length - so_far.length[rows] - torch.tensor([len(tokens) for tokens in told])
        bound = left if self.bounds.turn_length is None else left.clamp(max=self.bounds.turn_length)
        longest = int(bound.max())
        uniforms = torch.rand(len(so_far.context), longest, generator=generator(self.seed, "turn", turn))[rows]
        if turn:
            read = [so_far.read(row, tokens) for row, tokens in zip(rows.tolist(), told, strict=True)]
            which = torch.arange(len(rows))
        else:
            read, which = so_far.contexts, so_far.context[rows]
        drawn = self.draw(read, which, replace(self.decoding, max_completion_length=longest), uniforms)
        return within(replace(drawn, contexts=so_far.contexts, context=so_far.context[rows]), bound)

    def _forked(self, fork: Fork, turn: int, going: Tensor, told: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
        """Who goes on in this turn, and what each is told, with those that go on from where others are."""
        before = going.tolist()
        starts = [int(self.so_far.length[row]) + len(tokens) for row, tokens in zip(before, told, strict=True)]
        new, of = fork(turn, before, starts)
        if not new:
            return going, told
        begun = self.episodes.branch(new, of)
        added = [(row, source) for row, source, can in zip(new, of, begun, strict=True) if can]
        for row, source in added:
            self.so_far.branch(row, source)
            self.scores[row] = deepcopy(self.scores[source])
        told_to = dict(zip(before, told, strict=True))
        return torch.tensor([*before, *(row for row, _ in added)]), [*told, *(told_to[source] for _, source in added)]


@dataclass
class _Score:
    """Of one episode: ``speakers`` of its turns, ``durations`` of these, ``earned``, what at which step, and ``last``, the last step of each agent's last turn."""

    speakers: list[int] = field(default_factory=lambda: [0])
    durations: list[float] = field(default_factory=list)
    earned: list[tuple[int, float]] = field(default_factory=list)
    last: dict[int, int] = field(default_factory=dict)

    def add(self, end: int, answer: Answer) -> None:
        """A turn that ends at this step, and what came of it."""
        self.last[self.speakers[-1]] = end
        self.durations.append(answer.duration)
        if not math.isnan(answer.reward):
            self.earned.append((end, answer.reward))
        self.earned += [(self.last[agent], value) for agent, value in answer.others.items() if agent in self.last]
        self.speakers.append(answer.speaker)
