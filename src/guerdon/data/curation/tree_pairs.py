"""Tree pairs: answers that branch off from one another are compared with each other, leaf by leaf.

    chosen, rejected of each pair of leaves of one tree that share at least ``least`` of their pieces, by their scores; ``shared`` says how many they share        rows

A row has ``completions``, whole answers, ``paths``, the pieces of the tree that each consists of from the root on, and ``scores``. Pieces
are whatever names them: answers that the sampler ``tree`` has drawn, or the messages of a dialogue that somebody went on with twice. Equal
scores and answers without one are left out. With ``least`` 1 a pair differs in its ends alone, of which a judge has less to read.

Source: Qiu et al. 2024, arXiv 2402.10184, in a reader's notes on its algorithm 1: complete answers, prefix trees, pairs of leaves.
Differs from BestWorstPairs: every pair, and how much of it is the same.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from guerdon.data.curation._scored import rest
from guerdon.data.curation.best_worst_pairs import BestWorstPairs
from guerdon.errors import InputError
from guerdon.witness import Witness


@dataclass(frozen=True)
class TreePairs:
    least: int = 0

    def __call__(self, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        pairs = []
        for row in rows:
            said, paths, scores = row["completions"], row.get("paths") or (), row["scores"]
            if not len(said) == len(paths) == len(scores):
                raise InputError(
                    f"tree_pairs: a row has {len(said)} completions, {len(paths)} paths and {len(scores)} scores; give for each the pieces that it consists of, and a score"
                )
            kept = {name: value for name, value in rest(row).items() if name != "paths"}
            leaves = [leaf for leaf in zip(said, paths, scores, strict=True) if leaf[2] is not None and leaf[2] == leaf[2]]
            for (a, way_a, good_a), (b, way_b, good_b) in combinations(leaves, 2):
                shared = _shared(way_a, way_b)
                if shared >= self.least and good_a != good_b:
                    better, worse = (a, b) if good_a > good_b else (b, a)
                    pairs.append({**kept, "chosen": better, "rejected": worse, "shared": shared})
        return pairs


def _shared(one: Sequence[Any], other: Sequence[Any]) -> int:
    """How many pieces two ways have in common before they part."""
    return next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


_row = {
    "prompt": "p",
    "completions": ["ab", "ac", "dd", "de"],
    "paths": [["a", "b"], ["a", "c"], ["d", "d"], ["d", "e"]],
    "scores": [2.0, 1.0, 1.0, None],
}
_ab = {"prompt": "p", "chosen": "ab", "rejected": "ac", "shared": 1}
_ad = {"prompt": "p", "chosen": "ab", "rejected": "dd", "shared": 0}
witness = (
    Witness(TreePairs(), parent=BestWorstPairs(), given={"rows": [_row]}, returns=[_ab, _ad]),
    Witness(TreePairs(least=1), parent=TreePairs(), given={"rows": [_row]}, returns=[_ab]),
)
