"""Landscape: ideas with details of details, each of whose choices is worth something given what it is a detail of; hills of many sizes, and no way to see a height but to compare.

    point     one choice of ``options`` in each of ``slots`` places on each of ``levels`` levels, or none; a place is a detail of the same place one level up
    worth     sum over levels l and places s of fade^l * N(own choice, choice above, choice of the next place on the level), over the standard deviation that this has

N are numbers from N(0, 1) drawn once; what is not chosen, and a detail of what is not chosen, adds nothing. So another idea makes all its details strange, and choices of one level
cannot be made one by one. ``seed`` is the landscape; what a judge gets wrong may be another one.

Source: ours; N with neighbours is Kauffman and Levin's NK model, 1987. The levels are those of a hypothesis in MOOSE-Chem2, arXiv 2505.19209, from the mechanism to the setting of
an experiment; there are five.
"""

import random
from dataclasses import dataclass
from functools import lru_cache

import torch

from guerdon.errors import InputError
from guerdon.randomness import generator

Point = tuple[tuple[int | None, ...], ...]  # [levels][slots]


@dataclass(frozen=True)
class Landscape:
    levels: int = 4
    slots: int = 4
    options: int = 4
    fade: float = 0.7
    seed: int = 0

    def __post_init__(self) -> None:
        if min(self.levels, self.slots) < 1 or self.options < 2 or self.fade <= 0:
            raise InputError(f"a landscape has levels and slots of 1 or more, 2 options or more and a fade above 0, not {self}")

    @property
    def nothing(self) -> Point:
        """The point at which nothing is chosen."""
        return ((None,) * self.slots,) * self.levels

    def worth(self, point: Point) -> float:
        """In standard deviations of points drawn at random; 0 is their mean."""
        found, tables = 0.0, _tables(self)
        for level, choices in enumerate(point):
            above = point[level - 1] if level else (0,) * self.slots
            for slot, own in enumerate(choices):
                beside = choices[(slot + 1) % self.slots]
                if own is not None and above[slot] is not None and beside is not None:
                    found += tables[level][slot][own][above[slot]][beside]
        return found

    def changed(self, point: Point, level: int | None, draw: random.Random) -> Point:
        """Another point: with one choice of the level, or of any, made anew; with all of them, where none has been made there."""
        where = range(self.levels) if level is None else [level]
        if all(choice is None for k in where for choice in point[k]):
            return tuple(tuple(draw.randrange(self.options) for _ in row) if k in where else row for k, row in enumerate(point))
        k, slot = draw.choice(where), draw.randrange(self.slots)
        others = [option for option in range(self.options) if option != point[k][slot]]
        row = (*point[k][:slot], draw.choice(others), *point[k][slot + 1 :])
        return (*point[:k], row, *point[k + 1 :])

    def recombined(self, points: list[Point], level: int | None, point: Point, draw: random.Random) -> Point:
        """A point with the choices of the level, or of all, each as one of these points has it."""
        where = range(self.levels) if level is None else [level]
        return tuple(
            tuple(draw.choice(points)[k][slot] for slot in range(self.slots)) if k in where else row for k, row in enumerate(point)
        )


@lru_cache(maxsize=512)
def _tables(world: Landscape) -> list:
    """[levels][slots][own][above][beside]; on the first level there is one choice above."""
    rng, found = generator(world.seed, "landscape"), []
    scale = (world.slots * sum(world.fade ** (2 * level) for level in range(world.levels))) ** 0.5
    for level in range(world.levels):
        above = world.options if level else 1
        table = torch.randn(world.slots, world.options, above, world.options, dtype=torch.float64, generator=rng)
        table = table - table.mean((1, 2, 3), keepdim=True)
        found.append((table * world.fade**level / scale).tolist())
    return found
