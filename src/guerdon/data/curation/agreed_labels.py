"""Agreed labels: what several people said of one thing counts where they agree.

    row {..., said: [1, 0, None ...]} → {..., label}        where ``least`` or more said something, and at least ``share`` of them the same; else left out

``said`` has a verdict of each person about one question, such as whether an answer meets a principle: 1 (yes), 0 (no), None (who does not speak of it). ``label`` is what most
said; where as many said yes as no there is none.

Source: RLBFF, Wang et al. 2025, arXiv 2509.21319, its abstract and summaries of its method: principles with a binary verdict are taken from what several annotators wrote, and
kept where they agree. ``least`` 2 and ``share`` 1 (all of them): ours.
Differs from VotedLabels: those who disagree are not averaged; the question is dropped.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from guerdon.data.curation.voted_labels import VotedLabels
from guerdon.errors import InputError
from guerdon.witness import Witness


@dataclass(frozen=True)
class AgreedLabels:
    least: int = 2
    share: float = 1.0

    def __post_init__(self) -> None:
        if self.least < 1 or not 0.5 <= self.share <= 1:
            raise InputError(f"agreed_labels: least is {self.least} and share {self.share:g}; give 1 or more, and a share from a half to 1")

    def __call__(self, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        kept = []
        for row in rows:
            if row.get("said") is None:
                raise InputError("agreed_labels: a row has no column said; give what each person said: 1, 0, or None")
            said = [bool(one) for one in row["said"] if one is not None]
            most = max(sum(said), len(said) - sum(said))
            if len(said) >= self.least and most >= self.share * len(said) - 1e-9 and 2 * most > len(said):
                kept.append({**{name: value for name, value in row.items() if name != "said"}, "label": int(sum(said) == most)})
        return kept


_votes = {"chosen_votes": [1.0], "rejected_votes": [0.0]}
_rows = [
    {"prompt": "p", "said": [1, 1, None], **_votes},
    {"prompt": "q", "said": [0, None, None], **_votes},
    {"prompt": "r", "said": [0, 0, 1], **_votes},
    {"prompt": "s", "said": [0, 1], **_votes},
]
_told = [{"prompt": "p", **_votes, "label": 1}, {"prompt": "q", **_votes, "label": 0}, {"prompt": "r", **_votes, "label": 0}]
witness = (
    Witness(AgreedLabels(), parent=VotedLabels(), given={"rows": _rows}, returns=_told[:1]),
    Witness(AgreedLabels(least=1), parent=AgreedLabels(), given={"rows": _rows}, returns=_told[:2]),
    Witness(AgreedLabels(share=0.6), parent=AgreedLabels(), given={"rows": _rows}, returns=[_told[0], _told[2]]),
)
