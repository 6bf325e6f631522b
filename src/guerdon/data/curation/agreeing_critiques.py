"""Agreeing critiques: of what a model wrote about two answers, that is kept whose scores put them in the order in which people did.

    kept pairs (i, j) of a critique of the chosen and one of the rejected answer:  chosen_scores_i - rejected_scores_j > margin         i = j where ``aligned``, else any two

Rows are {prompt, chosen, rejected, chosen_critiques, rejected_critiques, chosen_scores, rejected_scores}; two rows {prompt, completion, critique} are made for each kept pair,
each critique of a row once, in the order given. No critique agrees: the row gives none.

Source: Critic-RM, Yu et al. 2024, arXiv 2411.16646, abstract, introduction and summaries of its section on filtering: critiques whose scores agree with the human label,
several drawn for each answer. That summaries of critiques and rankings of what is kept follow there, is not here. ``margin`` 0 and ``aligned``: ours.
Differs from VerdictPairs: two answers, each with critiques, and nothing is compared but scores. Differs from ContrastedItems: whole critiques, not what they say.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from guerdon.data.curation.rejection_sampling import RejectionSampling
from guerdon.errors import InputError
from guerdon.witness import Witness

SIDES = ("chosen", "rejected")


@dataclass(frozen=True)
class AgreeingCritiques:
    margin: float = 0.0
    aligned: bool = True

    def __call__(self, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        return [made for row in rows for made in self._row(row)]

    def _row(self, row: Mapping[str, Any]) -> list[dict[str, Any]]:
        critiques, scores = ([row.get(f"{side}_{what}") for side in SIDES] for what in ("critiques", "scores"))
        if any(c is None or s is None or len(c) != len(s) for c, s in zip(critiques, scores, strict=True)):
            raise InputError(
                "agreeing_critiques: a row needs chosen_critiques, chosen_scores, rejected_critiques and rejected_scores, a score for each critique"
            )
        if self.aligned and len(scores[0]) != len(scores[1]):
            raise InputError(
                "agreeing_critiques: aligned critiques are as many for the rejected answer as for the chosen one; set aligned: false"
            )
        agree = [
            (i, j)
            for i, high in enumerate(scores[0])
            for j, low in enumerate(scores[1])
            if (i == j or not self.aligned) and high - low > self.margin
        ]
        kept = (sorted({i for i, _ in agree}), sorted({j for _, j in agree}))
        return [
            {"prompt": row["prompt"], "completion": row[side], "critique": critiques[k][place]}
            for k, side in enumerate(SIDES)
            for place in kept[k]
        ]


def _told(completion: str, *critiques: str) -> list[dict[str, Any]]:
    return [{"prompt": "p", "completion": completion, "critique": critique} for critique in critiques]


_row = {
    **{"prompt": "p", "chosen": "a", "rejected": "b", "completions": ["a", "b"], "scores": [1.0, 0.0]},
    **{
        "chosen_critiques": ["good", "fair"],
        "chosen_scores": [3.0, 1.0],
        "rejected_critiques": ["poor", "fine"],
        "rejected_scores": [2.0, 0.0],
    },
}
_split = {**_row, "rejected_scores": [0.0, 2.0]}
witness = (
    Witness(AgreeingCritiques(), parent=RejectionSampling(), given={"rows": [_split]}, returns=_told("a", "good") + _told("b", "poor")),
    Witness(AgreeingCritiques(margin=1.0), parent=AgreeingCritiques(), given={"rows": [_row]}, returns=[]),
    Witness(
        AgreeingCritiques(aligned=False),
        parent=AgreeingCritiques(),
        given={"rows": [_split]},
        returns=_told("a", "good", "fair") + _told("b", "poor", "fine"),
    ),
)
