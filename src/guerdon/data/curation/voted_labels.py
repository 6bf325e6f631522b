"""Voted labels: where several reward models, on average, disagree with the label of a pair, it is turned or softened; how far they agree
becomes its margin.

    strength = mean over m of (chosen_votes_m - rejected_votes_m),   deviation: theirs (of the M models)        one row per pair, in the order given

    the lowest ``flip`` of the rows by strength, as far as it is below 0: chosen and rejected change places, and strength its sign
    preference = 1 - smoothing where the strength is still below 0, else 1
    margin     = scale * strength, as it is then; no such column for a scale of 0

Rows are comparisons with a column of M scores for each side; ``preference`` is read by the label ``soft``, ``margin`` by the logistic link.

Source: Secrets of RLHF II, Wang et al. 2024, arXiv 2401.06080, section 2.2 (strength, its deviation; ten models), 2.4 (flipping the fifth
with the lowest strength, smoothing, margins, eq. 5 and 6, whose margin stands outside the sigmoid by a slip) and 2.5 (what is combined).
That only disagreement is turned: theirs had no other pairs in that fifth. How soft labels are is not said; ``smoothing`` 0 is their hard
label.
Differs from BestWorstPairs: pairs are given, and it is their labels that are looked at.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from guerdon.data.curation.best_worst_pairs import BestWorstPairs
from guerdon.errors import InputError
from guerdon.witness import Witness

VOTES = ("chosen_votes", "rejected_votes")


@dataclass(frozen=True)
class VotedLabels:
    flip: float = 0.2
    smoothing: float = 0.0
    scale: float = 1.0

    def __post_init__(self) -> None:
        if not 0 <= self.flip <= 1 or not 0 <= self.smoothing <= 0.5 or self.scale < 0:
            raise InputError(f"{self!r}: flip is a share of the rows, smoothing at most a half, and scale 0 or more")

    def __call__(self, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        strengths = [self._votes(row) for row in rows]
        lowest = sorted(range(len(rows)), key=lambda i: strengths[i][0])[: math.floor(self.flip * len(rows) + 1e-9)]
        turned = {i for i in lowest if strengths[i][0] < 0}
        labelled = []
        for i, (row, (strength, deviation)) in enumerate(zip(rows, strengths, strict=True)):
            kept = {name: value for name, value in row.items() if name not in VOTES}
            if i in turned:
                kept, strength = kept | {"chosen": row["rejected"], "rejected": row["chosen"]}, -strength
            kept |= {"strength": strength, "deviation": deviation, "preference": 1 - self.smoothing if strength < 0 else 1.0}
            labelled.append(kept | ({"margin": self.scale * strength} if self.scale else {}))
        return labelled

    def _votes(self, row: Mapping[str, Any]) -> tuple[float, float]:
        chosen, rejected = (row.get(name) for name in VOTES)
        if not chosen or not rejected or len(chosen) != len(rejected):
            raise InputError(
                f"voted_labels: a row has no scores of both sides by the same models; give {VOTES[0]} and {VOTES[1]}, a number for each model"
            )
        differences = [a - b for a, b in zip(chosen, rejected, strict=True)]
        mean = sum(differences) / len(differences)
        return mean, math.sqrt(sum((d - mean) ** 2 for d in differences) / len(differences))


_rows = [
    {"prompt": "p", "chosen": "a", "rejected": "b", "chosen_votes": [3.0, 1.0], "rejected_votes": [0.0, 0.0]},
    {"prompt": "q", "chosen": "a", "rejected": "b", "chosen_votes": [0.0, 0.0], "rejected_votes": [1.0, 3.0]},
    {"prompt": "r", "chosen": "a", "rejected": "b", "chosen_votes": [0.0, 0.0], "rejected_votes": [1.0, 0.0]},
    {"prompt": "s", "chosen": "a", "rejected": "b", "chosen_votes": [1.0, 1.0], "rejected_votes": [0.0, 0.0]},
]
_said = {"deviation": 1.0, "preference": 1.0}
_p = {"prompt": "p", "chosen": "a", "rejected": "b", "strength": 2.0, **_said, "margin": 2.0}
_q = {"prompt": "q", "chosen": "b", "rejected": "a", "strength": 2.0, **_said, "margin": 2.0}
_r = {"prompt": "r", "chosen": "a", "rejected": "b", "strength": -0.5, "deviation": 0.5, "preference": 1.0, "margin": -0.5}
_s = {"prompt": "s", "chosen": "a", "rejected": "b", "strength": 1.0, "deviation": 0.0, "preference": 1.0, "margin": 1.0}
_scored = [row | {"completions": ["a", "b"], "scores": [1.0, 0.0]} for row in _rows]
_more = {"completions": ["a", "b"], "scores": [1.0, 0.0]}
witness = (  # a quarter of the rows is one
    Witness(VotedLabels(0.25), parent=BestWorstPairs(), given={"rows": _scored}, returns=[row | _more for row in (_p, _q, _r, _s)]),
    Witness(
        VotedLabels(0.25, smoothing=0.25),
        parent=VotedLabels(0.25),
        given={"rows": _rows},
        returns=[_p, _q, _r | {"preference": 0.75}, _s],
    ),
    Witness(
        VotedLabels(0.5),
        parent=VotedLabels(0.25),
        given={"rows": _rows},
        returns=[_p, _q, _r | {"chosen": "b", "rejected": "a", "strength": 0.5, "margin": 0.5}, _s],
    ),
    Witness(
        VotedLabels(0.25, scale=0.5),
        parent=VotedLabels(0.25),
        given={"rows": _rows},
        returns=[row | {"margin": row["margin"] / 2} for row in (_p, _q, _r, _s)],
    ),
)
