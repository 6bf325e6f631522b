"""Maze: find the goal by walking. What is told are the walls around, and, where it is ``observed``, the position too.

    told       nw>            walls to the north and west; observed: 1,2nw>
    said       e              n, e, s or w; into a wall one stays where one is
    earns      -1 a turn, 0 for the one that reaches the goal, -4 for what is no direction

``width`` x ``height`` cells are carved by ``seed`` so that exactly one way joins any two (a depth-first walk); the goal is the last cell, episodes start in any other. One maze
is the whole world: a policy learns it by heart, and only where it is cannot be known at first. States: width * height; the optimum is exact for both versions (``_solved``): who
sees the position walks the shortest way, who does not has to walk so that walls tell where one is. Of the first eight mazes of this size, this costs most in the default one.

Source: LMRL-Gym, Abdulhai et al. 2023, arXiv 2311.18232, appendix on the maze, and the authors' code (llm_rl_scripts/maze/env/env.py): rewards of ``standard_reward``,
descriptions with walls only and with the position. Sizes and the carved maze are ours; their maze is drawn by hand.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

from guerdon.errors import InputError
from guerdon.randomness import derive
from guerdon.worlds.games._rules import Outcome
from guerdon.worlds.games._solved import Solved
from guerdon.worlds.games._wording import Action, Wording

Cell = tuple[int, int]
_STEPS: dict[str, Cell] = {"n": (0, -1), "e": (1, 0), "s": (0, 1), "w": (-1, 0)}


@dataclass(frozen=True)
class Maze(Solved):
    width: int = 4
    height: int = 4
    observed: bool = False
    turns: int = 20
    wording: str = "terse"
    seed: int = 0

    wasted: ClassVar[float] = -4.0
    wordings: ClassVar[Mapping[str, Wording]] = {
        "terse": Wording(
            says={"go": "{x}"},
            tells={"rules": "maze:", "walls": "{walls}>", "place": "{x},{y}{walls}>", "goal": "goal", "invalid": "no>"},
            between="",
        ),
        "sentences": Wording(
            says={"go": "move {x}"},
            tells={
                "rules": "You are in a maze of {width} columns and {height} rows, always the same one, and look for the goal in column {width}, row {height}. "
                "Answer with 'move north', 'move east', 'move south' or 'move west', on a line of its own. You have {turns} moves.\n",
                "walls": "There are walls to the {walls}.",
                "place": "You are in column {x}, row {y}. There are walls to the {walls}.",
                "goal": "You have reached the goal.",
                "invalid": "That is no move. Say 'move north', 'move east', 'move south' or 'move west'.",
            },
            names={"n": "north", "e": "east", "s": "south", "w": "west"},
            between=", ",
        ),
    }

    def check(self) -> None:
        if self.width < 1 or self.height < 1 or self.width * self.height < 2:
            raise InputError(f"a maze has at least two cells, not {self.width} x {self.height}")

    def told_in_rules(self) -> Mapping[str, object]:
        return {"width": self.width, "height": self.height, "turns": self.turns}

    @property
    def goal(self) -> Cell:
        return self.width - 1, self.height - 1

    @cached_property
    def open(self) -> frozenset[tuple[Cell, Cell]]:
        """Neighbours with no wall between them, in both orders."""
        draw, ways, seen, walk = random.Random(derive(self.seed, "maze", self.width, self.height)), set(), {(0, 0)}, [(0, 0)]
        while walk:
            x, y = walk[-1]
            beside = [(x + dx, y + dy) for dx, dy in _STEPS.values() if 0 <= x + dx < self.width and 0 <= y + dy < self.height]
            left = [cell for cell in beside if cell not in seen]
            if not left:
                walk.pop()
                continue
            cell = draw.choice(left)
            ways |= {((x, y), cell), (cell, (x, y))}
            seen.add(cell)
            walk.append(cell)
        return frozenset(ways)

    def starts(self) -> Sequence[Cell]:
        return [(x, y) for y in range(self.height) for x in range(self.width) if (x, y) != self.goal]

    def columns(self, hidden: Cell) -> dict[str, Any]:
        return {"start": list(hidden)}

    def start(self, row: Mapping[str, Any]) -> Cell:
        cell = tuple(row.get("start", ()))
        if cell not in self.starts():
            raise InputError(f"start={row.get('start')!r}: a maze starts in a cell [x, y] that is not the goal {self.goal}")
        return cell

    def first(self, hidden: Cell) -> str:
        walls = self.speech.listed(name for name in _STEPS if (hidden, self._beside(hidden, name)) not in self.open)
        return self.speech.tell("place" if self.observed else "walls", x=hidden[0] + 1, y=hidden[1] + 1, walls=walls)

    def moves(self, hidden: Cell) -> list[Action]:
        return [("go", name) for name in _STEPS]

    def after(self, hidden: Cell, action: Action) -> Outcome | None:
        if action[1] not in _STEPS:
            return None
        there = self._beside(hidden, action[1])
        there = there if (hidden, there) in self.open else hidden
        if there == self.goal:
            return Outcome(there, self.speech.tell("goal"), 0.0, done=True, solved=True)
        return Outcome(there, self.first(there), -1.0)

    @property
    def bounds(self) -> tuple[float, float]:
        return self.wasted * self.turns, 0.0

    @property
    def vocabulary(self) -> str:
        return "nesw" + "0123456789"

    @property
    def longest(self) -> int:
        return max(len(self.speech.write(move)) for move in self.moves(self.goal))

    @staticmethod
    def _beside(cell: Cell, name: str) -> Cell:
        return cell[0] + _STEPS[name][0], cell[1] + _STEPS[name][1]
