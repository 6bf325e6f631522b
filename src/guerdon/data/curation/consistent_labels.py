"""Consistent labels: of pairs that nobody has verified, those whose label a reward model of verified pairs and one more voice agree with.

    kept      gold > 0 and (best > 0 or judge > 0)
    recycled  gold < 0 and not (best > 0 or judge > 0): chosen and rejected change places, and so do the signs
    left out  the others; without ``recycle`` those two                                                        one row per pair that is kept, in the order given

Each is a column of the row, by how much it puts the chosen side ahead: ``gold`` a reward model trained on pairs that people have verified
and nothing else, ``best`` the best one so far, ``judge`` a language model that was asked (a row may lack it).

Source: Skywork-Reward-V2, Liu et al. 2025, arXiv 2507.01352, section 3.3, consistency with the gold reward model, and the flipping of
discarded pairs ("those that agree with humans", section 4.1): that the other voices agree with the flip too is ours.
Differs from VotedLabels: voters were trained on other pairs than those that they judge, and what they do not agree on is no longer there.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from guerdon.data.curation.voted_labels import VotedLabels
from guerdon.errors import InputError
from guerdon.witness import Witness

VOICES = ("gold", "best", "judge")


@dataclass(frozen=True)
class ConsistentLabels:
    recycle: bool = True

    def __call__(self, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        kept = []
        for row in rows:
            if row.get("gold") is None or row.get("best") is None:
                raise InputError(
                    "consistent_labels: a row has no column gold or best; score both sides by both reward models, and give the differences"
                )
            seconded = any(row[name] > 0 for name in ("best", "judge") if row.get(name) is not None)
            if row["gold"] > 0 and seconded:
                kept.append(dict(row))
            elif row["gold"] < 0 and not seconded and self.recycle:
                turned = {name: -row[name] for name in VOICES if row.get(name) is not None}
                kept.append({**row, "chosen": row["rejected"], "rejected": row["chosen"], **turned})
        return kept


_votes = {"chosen_votes": [1.0], "rejected_votes": [0.0]}  # what the parent reads
_pair = {"prompt": "p", "chosen": "a", "rejected": "b", **_votes}
_agreed, _judged = {**_pair, "gold": 1.0, "best": 0.5}, {**_pair, "gold": 1.0, "best": -0.5, "judge": 1.0}
_split, _alone = {**_pair, "gold": -1.0, "best": 0.5}, {**_pair, "gold": 1.0, "best": -0.5}
_wrong = {**_pair, "gold": -1.0, "best": -0.5, "judge": -1.0}
_right = {**_pair, "chosen": "b", "rejected": "a", "gold": 1.0, "best": 0.5, "judge": 1.0}
_rows = [_agreed, _wrong, _judged, _split, _alone]
witness = (
    Witness(ConsistentLabels(), parent=VotedLabels(), given={"rows": _rows}, returns=[_agreed, _right, _judged]),
    Witness(ConsistentLabels(recycle=False), parent=ConsistentLabels(), given={"rows": _rows}, returns=[_agreed, _judged]),
)
