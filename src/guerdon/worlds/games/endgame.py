"""A chess endgame: mate a king with a king and a rook, or a queen, on a small board.

    told       Ka1Rb2kd4>     white's king and piece, black's king
    said       b2b4           from where to where
    earns      1 for mate; 0 for every other move, and where black takes the piece or has no move, which ends it; -1 for what is no legal move

The policy has white. Black defends as long as can be: it takes the piece if it can and else goes where mate is farthest, of equal squares to the lowest. Rows are positions from
which white mates in at most ``turns`` moves, so the optimum is 1; it is known for every position, by retrograde analysis (``_tablebase``). The expert mates in as few moves as
can be.

``size`` is that of the board, from 4 to 8 (8 takes seconds to solve); ``piece`` is R or Q. States: at most size^6. Nothing is hidden.

Source: LMRL-Gym, arXiv 2311.18232, endgames, and the authors' code (llm_rl_scripts/chess/env/env.py): 1 for mate, -1 for a move that is not legal, positions with a king and a
large piece.
Differs from it: the other side is a tablebase and no engine, which never errs; smaller boards.
"""

import random
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from guerdon.errors import InputError
from guerdon.worlds.games._rules import Outcome, Rules
from guerdon.worlds.games._tablebase import PIECES, Tablebase, attacks, beside, rays, replies, tablebase
from guerdon.worlds.games._wording import Action, Wording

Position = tuple[int, int, int]  # white's king, the piece, black's king


@dataclass(frozen=True)
class Endgame(Rules):
    size: int = 4
    piece: str = "R"
    turns: int = 12
    wording: str = "terse"

    wordings: ClassVar[Mapping[str, Wording]] = {
        "terse": Wording(
            says={"move": "{x}"},
            tells={"rules": "mate:", "position": "K{king}{piece}{at}k{black}>", "mate": "mate", "lost": "draw", "invalid": "?>"},
            between="",
        ),
        "sentences": Wording(
            says={"move": "move {x}"},
            tells={
                "rules": "An endgame of chess on a board of {size} by {size} squares, from a1 to {corner}. You have white: a king and a {name}; black has a king. Say "
                "your move as the "
                "square from which and the square to which, for example 'move a1a2', on a line of its own. Mate in at most {turns} moves.\n",
                "position": "White: king {king}, {name} {at}. Black: king {black}. White to move.",
                "mate": "Mate. You have won.",
                "lost": "The game is drawn.",
                "invalid": "That is no legal move.",
            },
        ),
    }

    def check(self) -> None:
        if not 4 <= self.size <= 8 or self.piece not in PIECES:
            raise InputError(
                f"size={self.size}, piece={self.piece!r}: the board has 4 to 8 squares a side, and the piece is one of {', '.join(PIECES)}"
            )

    def told_in_rules(self) -> Mapping[str, object]:
        return {"size": self.size, "corner": self._square(self.size**2 - 1), "name": self._name, "turns": self.turns}

    @property
    def table(self) -> Tablebase:
        return tablebase(self.size, self.piece)

    def drawn(self, draw: random.Random) -> dict[str, Any]:
        white = self.table.white
        while True:
            king, at, black = (draw.randrange(self.size**2) for _ in range(3))
            if 0 < white[king, at, black] <= self.turns:
                return {"position": self._written(king, at, black)}

    def start(self, row: Mapping[str, Any]) -> Position:
        said = str(row.get("position", ""))
        found = re.fullmatch(rf"K([a-h][1-8]){self.piece}([a-h][1-8])k([a-h][1-8])", said)
        squares = [self._number(name) for name in found.groups()] if found else []
        if found is None or None in squares or self.table.white[tuple(squares)] < 0:
            raise InputError(
                f"position={row.get('position')!r}: on this board it is such as {self._written(0, 1, self.size**2 - 1)}, and white can mate"
            )
        return tuple(squares)

    def first(self, hidden: Position) -> str:
        king, at, black = map(self._square, hidden)
        return self.speech.tell("position", king=king, at=at, black=black, piece=self.piece, name=self._name)

    def moves(self, hidden: Position) -> list[Action]:
        king, at, black = hidden
        near = beside(self.size, black)
        there = [(king, to) for to in beside(self.size, king) if to not in (at, black) and to not in near]
        for ray in rays(self.size, self.piece, at):
            stop = next((i for i, to in enumerate(ray) if to in (king, black)), len(ray))
            there += [(at, to) for to in ray[:stop]]
        return [("move", self._square(here) + self._square(to)) for here, to in there]

    def after(self, hidden: Position, action: Action) -> Outcome | None:
        if action not in self.moves(hidden):
            return None
        king, at, black = self._moved(hidden, action)
        escapes = replies(self.size, self.piece, king, at, black)
        if not escapes:
            mate = attacks(self.size, king, at, self.piece, black)
            return Outcome((king, at, black), self.speech.tell("mate" if mate else "lost"), float(mate), done=True, solved=mate)
        if at in escapes:
            return Outcome((king, at, at), self.speech.tell("lost"), 0.0, done=True)
        after = (king, at, max(escapes, key=lambda to: (self.table.white[king, at, to], -to)))
        return Outcome(after, self.first(after), 0.0)

    def best(self, belief: tuple[Position, ...], left: int) -> Action:
        def far(action: Action) -> int:
            distance = int(self.table.black[self._moved(belief[0], action)])
            return distance if distance >= 0 else 10**6

        return min(self.moves(belief[0]), key=far)

    @property
    def bounds(self) -> tuple[float, float]:
        return self.wasted * self.turns, 1.0

    @property
    def vocabulary(self) -> str:
        return "".join(self._square(k) for k in range(self.size**2)) + self.piece + self._name + "0123456789"

    @property
    def longest(self) -> int:
        return len(self.speech.write(("move", "a1a2")))

    def _moved(self, hidden: Position, action: Action) -> Position:
        king, at, black = hidden
        here, to = self._number(action[1][:2]), self._number(action[1][2:])
        return (to, at, black) if here == king else (king, to, black)

    def _square(self, number: int) -> str:
        return "abcdefgh"[number % self.size] + str(number // self.size + 1)

    def _number(self, name: str) -> int | None:
        file, rank = "abcdefgh".index(name[0]), int(name[1]) - 1
        return rank * self.size + file if max(file, rank) < self.size else None

    def _written(self, king: int, at: int, black: int) -> str:
        return f"K{self._square(king)}{self.piece}{self._square(at)}k{self._square(black)}"

    @property
    def _name(self) -> str:
        return {"R": "rook", "Q": "queen"}[self.piece]
