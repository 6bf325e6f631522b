"""What likelihoods share: where an estimate starts, what is fixed by convention, whose answers belong together, and what a graph of answers says."""

import math
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import torch
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from torch import Tensor

from guerdon.errors import InputError
from guerdon.parts import call, needs, wants
from guerdon.randomness import generator

Parameters = dict[str, Tensor]


class Family:
    """A likelihood whose answers are independent of one another, given the parameters."""

    unimodal: ClassVar[bool] = True
    joint: ClassVar[bool] = False  # whether a person's answers are independent of one another only given something that is not observed

    def parameters(self, items: int, users: int = 1, features: int | None = None) -> dict[str, tuple[int, ...]]:
        raise NotImplementedError

    def names(self) -> tuple[str, ...]:
        """The names of the parameters, which depend on no size."""
        return tuple(self.parameters(items=1 << 20, users=1, features=1))

    def outcomes(self, size: int) -> list[tuple[int, ...]]:
        raise NotImplementedError

    def start(self, shapes: Mapping[str, tuple[int, ...]], seed: int) -> Parameters:
        """Where the search for a maximum starts: at 0, or, where that is a saddle, at random."""
        if self.unimodal:
            return {name: torch.zeros(shape, dtype=torch.float64) for name, shape in shapes.items()}
        return {name: torch.randn(shape, dtype=torch.float64, generator=generator(seed, "start", name)) for name, shape in shapes.items()}

    def gauge(self, parameters: Parameters, features: Tensor | None = None) -> Parameters:
        """The same probabilities from parameters in which what no answer can tell is fixed by convention."""
        return dict(parameters)

    def each(self, given: Mapping[str, Any], answer: Tensor) -> Tensor:
        """[Q], the log-probability of ``answer`` [Q] to each question by itself."""
        return call(self, given).gather(-1, answer.unsqueeze(-1)).squeeze(-1)

    def answered(self, given: Mapping[str, Any], answer: Tensor, count: Tensor) -> Tensor:
        """[units], the log-probability of what was answered, ``count`` [Q] times. A unit is a question."""
        return count * self.each(given, answer)

    def every_answer(self, given: Mapping[str, Any]) -> Tensor:
        """[units, O], the log-probability of whatever a unit can answer."""
        return call(self, given)

    def edges(self, size: int) -> list[list[tuple[int, int]]] | None:
        """For each answer, who is placed above whom (positions); None where items have no scores of their own."""
        return None

    def unbounded(self, asked: Tensor, answer: Tensor) -> tuple[list[int], str] | None:
        """Items whose scores grow without end, and what they never did: "lost" or "won". The index after the last item is the outside good's.

        Scores have a finite estimate only if, however the items that were compared are split into two sets, each was placed above the other at least once
        (Ford 1957, Solution of a ranking problem from binary comparisons). Of items that were never compared, not even through others, nothing is said.
        """
        edges = self.edges(asked.shape[1])
        if edges is None:
            return None
        outside = int(asked.max()) + 1
        shown = torch.cat(
            [asked, torch.full((len(asked), 1), outside)], -1
        ).numpy()  # the position after the last candidate is the outside good's
        pairs = [shown[(answer == o).numpy()][:, list(edge)] for o, placed in enumerate(edges) for edge in placed]
        winner, loser = np.unique(np.concatenate([np.zeros((0, 2), dtype=int), *pairs]), axis=0).T
        graph = coo_array((np.ones(len(winner)), (loser, winner)), shape=(outside + 1, outside + 1))
        _, island = connected_components(graph, directed=True, connection="weak")
        parts, part = connected_components(graph, directed=True, connection="strong")
        found = []
        for index in range(parts):
            members = np.flatnonzero(part == index)
            if len(members) == (island == island[members[0]]).sum():
                continue
            for words, side, other in (("lost", loser, winner), ("won", winner, loser)):
                if not ((part[side] == index) & (part[other] != index)).any():
                    found.append((members.tolist(), words))
        return min(found, key=lambda f: len(f[0]), default=None)


class Choice(Family):
    """A likelihood of the scores of the candidates. ``shift_free``: it does not change when all scores move by the same amount."""

    nobody: ClassVar[str] = ""  # what the answer that names nobody says: "tie" or "none"; "" where there is no such answer

    @property
    def shift_free(self) -> bool:
        return True

    def parameters(self, items: int, users: int = 1, features: int | None = None) -> dict[str, tuple[int, ...]]:
        return {"score": (items,)}

    def gauge(self, parameters: Parameters, features: Tensor | None = None) -> Parameters:
        """Scores that sum to 0, where their zero cannot be told."""
        return parameters | ({"score": parameters["score"] - parameters["score"].mean()} if self.shift_free else {})

    def edges(self, size: int) -> list[list[tuple[int, int]]] | None:
        """Who was named is above who was named later or not at all."""
        return [
            [(winner, loser) for n, winner in enumerate(named) for loser in range(size) if loser not in named[: n + 1]]
            for named in self.outcomes(size)
        ]


class WithTies(Choice):
    """A choice between two that may end in a tie, how readily is the parameter ``tie``."""

    nobody: ClassVar[str] = "tie"

    def parameters(self, items: int, users: int = 1, features: int | None = None) -> dict[str, tuple[int, ...]]:
        return {"score": (items,), "tie": ()}

    def outcomes(self, size: int) -> list[tuple[int, ...]]:
        return [(0,), (1,), ()]

    def edges(self, size: int) -> list[list[tuple[int, int]]]:
        return [[(0, 1)], [(1, 0)], [(0, 1), (1, 0)]]  # who tied is not out of the other's reach


class Scored(Family):
    """A likelihood that makes scores and hands them to a choice, its field ``of``. What else the choice reads is passed on."""

    of: Any
    makes: ClassVar[tuple[str, ...]] = ()  # the parameters from which the scores are made
    reads: ClassVar[tuple[str, ...]] = ()  # the data that it needs besides ``asked``

    def needs(self) -> frozenset[str]:
        return (needs(self.of) - {"score"}) | {"asked", *self.makes, *self.reads}

    def wants(self) -> frozenset[str]:
        return wants(self.of) - {"score"}

    @property
    def shift_free(self) -> bool:
        return self.of.shift_free

    def outcomes(self, size: int) -> list[tuple[int, ...]]:
        return self.of.outcomes(size)

    def handed(self, **given: Any) -> dict[str, Any]:
        """What the choice is called with."""
        raise NotImplementedError

    def each(self, given: Mapping[str, Any], answer: Tensor) -> Tensor:
        return self.of.each(self.handed(**given), answer)

    def others(self, items: int, users: int, features: int | None) -> dict[str, tuple[int, ...]]:
        """The parameters of the choice that are no scores."""
        return {name: shape for name, shape in self.of.parameters(items, users, features).items() if name != "score"}


def pairs_only(asked: Tensor, name: str) -> None:
    """Refuse questions with more or fewer than two candidates."""
    if asked.shape[-1] != 2:
        raise InputError(f"{name} compares two items at a time, and these questions show {asked.shape[-1]}: use PlackettLuce for more")


def orders(size: int, top: int, most: int = 5040) -> None:
    """Refuse rankings that are too many to be enumerated."""
    if math.perm(size, top) > most:
        raise InputError(
            f"{size} candidates have {math.perm(size, top):,} rankings of their best {top}, more than the {most:,} that are enumerated: "
            "give a smaller ``top``, or ask about fewer at a time"
        )
