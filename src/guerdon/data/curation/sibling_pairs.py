"""Sibling pairs: at each fork of a search tree the way on that is worth most is preferred to the one that is worth least.

    chosen = argmax score, rejected = argmin score        of the ways on from one beginning that were tried, if they differ by more than ``margin``   rows

A row is a tree: ``paths``, the pieces that each of its nodes consists of from the root on (texts, or lists of actions), with what each is worth in ``scores`` (None, NaN: not
tried) and how often each was tried in ``visits``. ``everywhere``: the forks of the whole tree; otherwise those on the way that was tried most, from the root to where nothing was
tried beyond (of equal ways the one that is worth more).

Both sides are whole beginnings, which differ in their last piece: what they share cancels where log-ratios are subtracted, so that it is the step that is compared. The numbers of
the two come along as ``score_chosen``, ``visits_chosen`` and so on, and ``depth``, how many pieces they share.

Source: MCTS-DPO, arXiv 2405.00451, and its authors' code (``algorithms/mcts/trainer.py``: siblings of the nodes that the search moved to, sorted by Q, with
``choose_worst``); SVPO, arXiv 2406.10858, of whole trees. ``margin`` 0 drops only ties, ours.
Differs from TreePairs: steps that branch off at one place, by what the search found below them, and not whole answers.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import Any

from guerdon.data.curation.tree_pairs import TreePairs
from guerdon.errors import InputError
from guerdon.witness import Witness


@dataclass(frozen=True)
class SiblingPairs:
    margin: float = 0.0
    everywhere: bool = False

    def __call__(self, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        pairs = []
        for row in rows:
            paths, scores, visits = (row.get(name) or () for name in ("paths", "scores", "visits"))
            if not len(paths) == len(scores) == len(visits) or not all(paths):
                raise InputError(
                    f"sibling_pairs: a row has {len(paths)} paths, {len(scores)} scores and {len(visits)} visits; give for each node of the tree its pieces, one or more, "
                    "and these two numbers"
                )
            kept = {name: value for name, value in row.items() if name not in ("paths", "scores", "visits")}
            pairs += [kept | pair for fork in self._forks(paths, scores, visits) if (pair := self._pair(fork)) is not None]
        return pairs

    def _forks(self, paths: Sequence[Sequence[Any]], scores: Sequence[float | None], visits: Sequence[int]) -> list[list[tuple]]:
        """The ways on from each beginning, those first that are reached first."""
        found: dict[Any, list[tuple]] = {}
        for path, score, tried in zip(paths, scores, visits, strict=True):
            if score is not None and not math.isnan(score):
                found.setdefault(_key(path[:-1]), []).append((path, score, tried))
        if self.everywhere:
            return sorted(found.values(), key=lambda ways: len(ways[0][0]))
        on_the_way, here = [], _key(())
        while here in found:
            on_the_way.append(found[here])
            here = _key(max(found[here], key=lambda way: (way[2], way[1]))[0])
        return on_the_way

    def _pair(self, ways: list[tuple]) -> dict[str, Any] | None:
        best, worst = max(ways, key=lambda way: way[1]), min(ways, key=lambda way: way[1])
        if not best[1] - worst[1] > self.margin:
            return None
        told = {}
        for side, (path, score, tried) in (("chosen", best), ("rejected", worst)):
            told |= {side: reduce(add, path), f"score_{side}": score, f"visits_{side}": tried}
        return told | {"depth": len(best[0]) - 1}


def _key(path: Sequence[Any]) -> tuple:
    return tuple(tuple(piece) for piece in path)


_row = {  # a was tried most, and of its ways on ac; b has a fork of its own
    "prompt": "p",
    "completions": ["a", "b", "ac", "ad", "bc", "bd", "e"],
    "paths": [["a"], ["b"], ["a", "c"], ["a", "d"], ["b", "c"], ["b", "d"], ["e"]],
    "scores": [0.5, 0.75, 0.25, 1.0, 1.0, 0.0, None],
    "visits": [4, 3, 2, 1, 2, 1, 0],
}


def _is(chosen: str, rejected: str, scores: tuple[float, float], visits: tuple[int, int]) -> dict[str, Any]:
    sides = zip(("chosen", "rejected"), (chosen, rejected), scores, visits, strict=True)
    told = {name: value for side, said, s, v in sides for name, value in ((side, said), (f"score_{side}", s), (f"visits_{side}", v))}
    return {"prompt": "p", "completions": _row["completions"], **told, "depth": len(chosen) - 1}


_root, _a, _b = _is("b", "a", (0.75, 0.5), (3, 4)), _is("ad", "ac", (1.0, 0.25), (1, 2)), _is("bc", "bd", (1.0, 0.0), (2, 1))
witness = (
    Witness(SiblingPairs(), parent=TreePairs(), given={"rows": [_row]}, returns=[_root, _a]),
    Witness(SiblingPairs(everywhere=True), parent=SiblingPairs(), given={"rows": [_row]}, returns=[_root, _a, _b]),
    Witness(SiblingPairs(margin=0.5), parent=SiblingPairs(), given={"rows": [_row]}, returns=[_a]),
)
