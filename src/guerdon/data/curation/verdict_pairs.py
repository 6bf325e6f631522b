"""Verdict pairs: of what was written about the same answer, that which ends in the right verdict is preferred to that which ends in the wrong one.

    chosen: verdict == label,  rejected: verdict != label        the first ``most`` pairs of a row, its chosen ones in turn, each with every rejected one

A row whose share of right verdicts is ``least_right`` or below gives none, for there the right ones may be luck.

Rows are {prompt, completions, verdicts, label}: ``verdicts`` says what each completion comes to, 1 (yes), 0 (no) or None (nothing that could be read), ``label`` what is true.
With ``balanced`` there are as many pairs whose label is 1 as pairs whose label is 0, drawn from ``seed``, so that nothing is won by always saying the same. One row {prompt, label,
chosen, rejected, ...} for each pair.

Source: R-PRM, She et al. 2025, arXiv 2503.21295, section 3.3 (analyses that agree with the label against those that do not, without further labels), and its authors' code
(``operate-PRM-CoT-data_paired.py``: two pairs, one third; ``generate-PRM-CoT-Paired-dataset.py``: as many of both kinds). There the third is of ``filter``, an option.
Differs from BestWorstPairs: verdicts have no scores, and right ones are not better for being surer.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from guerdon.data.curation.best_worst_pairs import BestWorstPairs
from guerdon.errors import InputError
from guerdon.randomness import derive
from guerdon.witness import Witness


@dataclass(frozen=True)
class VerdictPairs:
    most: int = 2
    least_right: float = 1 / 3
    balanced: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        if self.most < 1 or not 0 <= self.least_right < 1:
            raise InputError(
                f"verdict_pairs: most is {self.most} and least_right {self.least_right:g}; give 1 or more, and a share below 1"
            )

    def __call__(self, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        pairs = [pair for row in rows for pair in self._row(row)]
        if not self.balanced:
            return pairs
        kinds = [[place for place, pair in enumerate(pairs) if bool(pair["label"]) == label] for label in (False, True)]
        fewest, draw = min(map(len, kinds)), random.Random(derive(self.seed, "balance"))
        kept = {place for kind in kinds for place in draw.sample(kind, fewest)}
        return [pair for place, pair in enumerate(pairs) if place in kept]

    def _row(self, row: Mapping[str, Any]) -> list[dict[str, Any]]:
        said, verdicts = row["completions"], row.get("verdicts")
        if verdicts is None or len(verdicts) != len(said) or row.get("label") is None:
            raise InputError(
                "verdict_pairs: a row needs a label, and in 'verdicts' one for each of its completions: 1, 0, or None where there is none"
            )
        read = [(one, bool(verdict) == bool(row["label"])) for one, verdict in zip(said, verdicts, strict=True) if verdict is not None]
        right, wrong = ([one for one, agrees in read if agrees == kind] for kind in (True, False))
        if len(right) <= self.least_right * len(read):
            return []
        kept = {name: value for name, value in row.items() if name not in ("completions", "verdicts", "scores")}
        return [{**kept, "chosen": good, "rejected": bad} for good in right for bad in wrong][: self.most]


def _pair(prompt: str, label: int, chosen: str, rejected: str) -> dict[str, Any]:
    return {"prompt": prompt, "label": label, "chosen": chosen, "rejected": rejected}


_p = {"prompt": "p", "label": 1, "completions": ["a", "b", "c", "d"], "verdicts": [1, 0, None, 1], "scores": [1.0, 1.0, 1.0, 1.0]}
_q = {"prompt": "q", "label": 0, "completions": ["e", "f", "g"], "verdicts": [0, 1, 1], "scores": [1.0, 1.0, 1.0]}
_all = [_pair("p", 1, "a", "b"), _pair("p", 1, "d", "b"), _pair("q", 0, "e", "f"), _pair("q", 0, "e", "g")]
_loose = VerdictPairs(least_right=0.3)
witness = (
    Witness(
        VerdictPairs(balanced=False), parent=BestWorstPairs(), given={"rows": [_p, _q]}, returns=_all[:2]
    ),  # one of three is not more than a third
    Witness(VerdictPairs(), parent=VerdictPairs(balanced=False), given={"rows": [_p, _q]}, returns=[]),
    Witness(_loose, parent=VerdictPairs(), given={"rows": [_p, _q]}, returns=_all),
    Witness(VerdictPairs(least_right=0.3, most=1), parent=_loose, given={"rows": [_p, _q]}, returns=[_all[0], _all[2]]),
    Witness(
        VerdictPairs(least_right=0.3, seed=1),
        parent=_loose,
        given={"rows": [_p, {**_q, "verdicts": [0, 1, None]}]},
        returns=[_all[0], _all[2]],
    ),
)
