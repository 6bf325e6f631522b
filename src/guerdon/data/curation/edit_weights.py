"""Edit weights: what was rewritten is learned as far as it differs from what stood there before.

    {prompt, rejected: [step ...], chosen: [step ...]} -> {prompt, completion: [step ...], weights: [number ...]}

``chosen`` was made of ``rejected`` by rewriting. They are aligned with as few insertions, deletions and replacements as may be (Levenshtein 1966; of equal ones a step is kept
rather than dropped, dropped rather than inserted, inserted rather than replaced, from the end). A step of ``chosen`` is edited where it is new, stands for another one, or is the
last one before something that was dropped; it weighs ``edited``, the others ``kept``.

Source: RLMEC, Chen et al. 2024, arXiv 2401.06081, and its authors' code (Timothy023/RLMEC, ``gen_rlmec_data_math.py``), to which it is held and whose weights are the defaults.
There what is inserted before the first step does not count as edited; here it does.
Differs from RejectionSampling: not which answers, but which of their steps.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from guerdon.data.curation.rejection_sampling import RejectionSampling
from guerdon.errors import InputError
from guerdon.witness import Witness


@dataclass(frozen=True)
class EditWeights:
    edited: float = 1.0
    kept: float = 0.5

    def __call__(self, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        out = []
        for i, row in enumerate(rows):
            if isinstance(row["chosen"], str) or isinstance(row["rejected"], str):
                raise InputError(f"row {i + 1}: give 'chosen' and 'rejected' as lists of steps, such as tokens, and not as one text")
            old, new = list(row["rejected"]), list(row["chosen"])
            touched = _touched(old, new)
            rest = {name: value for name, value in row.items() if name not in ("chosen", "rejected")}
            out.append({**rest, "completion": new, "weights": [self.edited if j in touched else self.kept for j in range(len(new))]})
        return out


def _touched(old: list[Any], new: list[Any]) -> set[int]:
    """The places of what was edited."""
    cost = [list(range(len(new) + 1))]
    for i, step in enumerate(old, start=1):
        row, above = [i], cost[-1]
        for j, its in enumerate(new, start=1):
            row.append(above[j - 1] if step == its else 1 + min(above[j], row[j - 1], above[j - 1]))
        cost.append(row)
    i, j, found = len(old), len(new), set()
    while i and j:
        if old[i - 1] == new[j - 1]:
            i, j = i - 1, j - 1
            continue
        found.add(j - 1)
        before = cost[i][j] - 1
        if cost[i - 1][j] == before:
            i -= 1
        elif cost[i][j - 1] == before:
            j -= 1
        else:
            i, j = i - 1, j - 1
    return found | set(range(j))


def _row(old: str, new: str) -> dict[str, Any]:
    return {"prompt": "p", "rejected": list(old), "chosen": list(new), "completions": ["a", "b"], "scores": [0.0, 1.0]}


def _told(new: str, weights: list[float]) -> dict[str, Any]:
    return {"prompt": "p", "completions": ["a", "b"], "scores": [0.0, 1.0], "completion": list(new), "weights": weights}


_rows = [_row("abc", "axc"), _row("axc", "ac"), _row("b", "ab")]  # replaced, dropped after "a", inserted
witness = (
    Witness(
        EditWeights(),
        parent=RejectionSampling(),
        given={"rows": _rows},
        returns=[_told("axc", [0.5, 1.0, 0.5]), _told("ac", [1.0, 0.5]), _told("ab", [1.0, 0.5])],
    ),
    Witness(EditWeights(edited=2.0), parent=EditWeights(), given={"rows": _rows[:1]}, returns=[_told("axc", [0.5, 2.0, 0.5])]),
    Witness(EditWeights(kept=0.0), parent=EditWeights(), given={"rows": _rows[:1]}, returns=[_told("axc", [0.0, 1.0, 0.0])]),
)
