"""Tablebase: king and one piece against a king on a small board, solved backwards from mate.

    white[k, p, b] = moves to mate with white to move, black[k, p, b] with black to move (0: mated); -1: no mate        k, p, b: squares of the white king, the piece, the black
    king

White's distance is 1 + the least of black's after a move, black's the largest of white's after a move; black that can take the piece, or has no move and is not in check, is
never mated. Squares are numbered from a1 along the rank.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np

_STRAIGHT, _SLANTED = ((0, 1), (1, 0), (0, -1), (-1, 0)), ((1, 1), (1, -1), (-1, 1), (-1, -1))
PIECES = {"R": _STRAIGHT, "Q": _STRAIGHT + _SLANTED}


@dataclass(frozen=True)
class Tablebase:
    white: np.ndarray
    black: np.ndarray


def rays(size: int, piece: str, square: int) -> list[list[int]]:
    """The squares that a piece runs over from a square, by direction, on an empty board."""
    found = []
    for right, up in PIECES[piece]:
        file, rank, ray = square % size + right, square // size + up, []
        while 0 <= file < size and 0 <= rank < size:
            ray.append(rank * size + file)
            file, rank = file + right, rank + up
        found.append(ray)
    return found


def beside(size: int, square: int) -> list[int]:
    """The squares that a king steps to."""
    file, rank = square % size, square // size
    steps = [(file + right, rank + up) for right, up in PIECES["Q"]]
    return [y * size + x for x, y in steps if 0 <= x < size and 0 <= y < size]


def attacks(size: int, king: int, piece: int, kind: str, target: int) -> bool:
    """Whether the piece attacks the target, with nothing but its own king in the way."""
    return any(target in ray and king not in ray[: ray.index(target)] for ray in rays(size, kind, piece))


def replies(size: int, kind: str, king: int, piece: int, black: int) -> list[int]:
    """The squares that the black king may go to."""
    near = beside(size, king)
    to = (there for there in beside(size, black) if there != king and there not in near)
    return [there for there in to if there == piece or not attacks(size, king, piece, kind, there)]


@cache
def tablebase(size: int, kind: str) -> Tablebase:
    n = size * size
    step = np.zeros((n, n), bool)  # a king's
    hit = np.zeros((n, n, n), bool)  # [k, p, t]: the piece attacks t
    for square in range(n):
        step[square, beside(size, square)] = True
        for ray in rays(size, kind, square):
            clear = np.ones(n, bool)  # by the white king's square
            for there in ray:
                hit[clear, square, there] = True
                clear[there] = False
    squares = np.arange(n)
    apart = ~step & (squares[:, None] != squares)
    k, p, b = np.ix_(squares, squares, squares)
    legal = (k != p) & (p != b) & apart[:, None, :]
    taking = (p == b) & apart[:, None, :]  # the black king on the piece's square, which the white king does not guard
    into = (legal & ~hit) | taking  # where black may step to, by k, p and where to
    mobile = _any(into, step)
    white, black = np.full((n, n, n), -1), np.full((n, n, n), -1)
    black[legal & hit & ~mobile] = 0
    distance = 0
    while (black == distance).any():
        found = _before(size, kind, black == distance, step) & legal & ~hit & (white < 0)
        distance += 1
        white[found] = distance
        safe = taking | (legal & ~hit & (white < 0))
        black[legal & mobile & ~_any(safe, step) & (black < 0)] = distance
    return Tablebase(white, black)


def _any(where: np.ndarray, step: np.ndarray) -> np.ndarray:
    """Whether some square beside the last index is in ``where``."""
    return where.astype(np.float32) @ step.astype(np.float32) > 0


def _before(size: int, kind: str, won: np.ndarray, step: np.ndarray) -> np.ndarray:
    """Positions from which a move of white's leads to one of ``won``."""
    n = size * size
    found = (step.astype(np.float32) @ won.reshape(n, -1).astype(np.float32) > 0).reshape(won.shape)
    for square in range(n):
        for ray in rays(size, kind, square):
            clear = np.ones((n, n), bool)  # [k, b]
            for there in ray:
                clear[there, :] = False
                clear[:, there] = False
                found[:, square, :] |= clear & won[:, there, :]
    return found
