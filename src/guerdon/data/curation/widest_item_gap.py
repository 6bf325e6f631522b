"""Widest item gap: of all pairs those are learned from whose two answers differ most in one item of the list.

    value_j = sum_k weight_k item_jk / sum_k weight_k;  chosen = argmax value, rejected = argmin value        one pair per row whose values differ
    gap     = max over items k of (item_chosen,k - item_rejected,k);  kept: the ``share`` of the pairs with the largest gaps

Rows are {prompt, completions, items, ...}: ``items`` has a list of K numbers for each completion, ``weights`` K numbers (none: alike). A pair that is a little better in
everything tells a learner less, and is less surely a better one, than a pair of which one does what was asked and the other does not. Pairs keep the order of their rows; of equal
gaps the first count.

Source: RLCF, Viswanathan et al. 2025, arXiv 2507.18624, and its authors' code (viswavi/RLCF, ``data/dataset_utils.py``: the largest difference of chosen and rejected over
the list, sorted, ``pct_to_keep``); ``share`` 0.4 is the paper's. There two answers are drawn to each prompt; with more, best and worst are ours.
Differs from BestWorstPairs: pairs are judged by their widest item, and most are left out.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from guerdon.data.curation._scored import rest
from guerdon.data.curation.best_worst_pairs import BestWorstPairs
from guerdon.errors import InputError
from guerdon.witness import Witness


@dataclass(frozen=True)
class WidestItemGap:
    share: float = 0.4

    def __post_init__(self) -> None:
        if not 0 < self.share <= 1:
            raise InputError(f"widest_item_gap: share is {self.share:g}; give a share above 0 and at most 1")

    def __call__(self, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        pairs = [pair for row in rows for pair in _pair(row)]
        widest = sorted(range(len(pairs)), key=lambda i: -pairs[i]["gap"])[: math.ceil(self.share * len(pairs) - 1e-9)]
        return [pairs[i] for i in sorted(widest)]


def _pair(row: Mapping[str, Any]) -> list[dict[str, Any]]:
    said, items = row["completions"], row.get("items")
    if not items or len(items) != len(said) or len({len(one) for one in items}) != 1:
        raise InputError("widest_item_gap: a row needs 'items', for each of its completions as many numbers as its list has items")
    weights = row.get("weights") or [1.0] * len(items[0])
    if len(weights) != len(items[0]) or min(weights) < 0 or sum(weights) <= 0:
        raise InputError(f"widest_item_gap: {len(items[0])} items have the weights {weights}; give one for each, 0 or more, and not only 0")
    values = [sum(w * v for w, v in zip(weights, one, strict=True)) / sum(weights) for one in items]
    high, low = (values.index(most(values)) for most in (max, min))
    if values[high] == values[low]:
        return []
    kept = {name: value for name, value in rest(row).items() if name not in ("items", "weights")}
    gap = max(a - b for a, b, w in zip(items[high], items[low], weights, strict=True) if w > 0)
    return [{**kept, "chosen": said[high], "rejected": said[low], "score_chosen": values[high], "score_rejected": values[low], "gap": gap}]


def _row(prompt: str, items: list[list[float]], **more: Any) -> dict[str, Any]:
    return {"prompt": prompt, "completions": ["a", "b"], "items": items, "scores": [0.0, 1.0], **more}


_even = _row("p", [[0.5, 0.5], [0.25, 0.25]])  # a quarter better in everything
_wide = _row("q", [[0.0, 0.5], [0.75, 0.25]])  # much better in one, a little worse in the other
_told = {"prompt": "q", "chosen": "b", "rejected": "a", "score_chosen": 0.5, "score_rejected": 0.25, "gap": 0.75}
_plain = {"prompt": "p", "chosen": "a", "rejected": "b", "score_chosen": 0.5, "score_rejected": 0.25, "gap": 0.25}
witness = (
    Witness(WidestItemGap(0.5), parent=BestWorstPairs(), given={"rows": [_even, _wide]}, returns=[_told]),
    Witness(WidestItemGap(1.0), parent=WidestItemGap(0.5), given={"rows": [_even, _wide]}, returns=[_plain, _told]),
    Witness(
        WidestItemGap(1.0),
        parent=BestWorstPairs(),
        given={"rows": [_row("q", [[0.0, 0.5], [0.75, 0.25]], weights=[0.0, 2.0])]},
        returns=[{"prompt": "q", "chosen": "a", "rejected": "b", "score_chosen": 0.5, "score_rejected": 0.25, "gap": 0.25}],
    ),
)
