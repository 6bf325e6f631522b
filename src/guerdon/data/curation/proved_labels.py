"""Proved labels: rows without a label get the one that most of a judge's verdicts say, and a proof of it, to be learned together.

    label = [mean of the verdicts > 1/2],   kept where max(mean, 1 - mean) >= sure        row {prompt, verdicts, proofs} → {prompt, completion, label}

``verdicts`` are 1 where the judge preferred the first answer, 0 where the second, None where nothing could be read. ``proofs`` has what was written to prove each label, [a proof
of 0, a proof of 1], by somebody who was told it; the completion is the proof of the label, and what ``says`` has for it behind it. A row that has a label keeps it, whatever the
verdicts are. A row in which nothing was read, all is even, or the proof is missing is left out.

Source: GRAM-R2, Wang et al. 2025, arXiv 2509.02492, and its authors' README (NiuTrans/GRAM, extensions/GRAM-RR): a preference-proving model writes a rationale for a given label;
labels of unlabelled pairs are predicted, proved, and learned, round after round. How sure a label has to be is not said there; ``sure`` 0.75 and the words are ours.
Differs from VotedLabels: it is a demonstration, of the reasons with the label, and the votes are the judge's own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from guerdon.data.curation.voted_labels import VotedLabels
from guerdon.errors import InputError
from guerdon.witness import Witness


@dataclass(frozen=True)
class ProvedLabels:
    sure: float = 0.75
    says: tuple[str, str] = ("\n\n[[B]]", "\n\n[[A]]")

    def __post_init__(self) -> None:
        if not 0.5 <= self.sure <= 1:
            raise InputError(f"proved_labels: sure is {self.sure:g}; give a share of verdicts from a half to 1")

    def __call__(self, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        kept = []
        for row in rows:
            if row.get("proofs") is None or len(row["proofs"]) != 2:
                raise InputError("proved_labels: a row needs a column proofs with two of them, of label 0 and of label 1")
            label = self.label(row)
            if label is not None and row["proofs"][label]:
                kept.append({"prompt": row["prompt"], "completion": row["proofs"][label] + self.says[label], "label": label})
        return kept

    def label(self, row: Mapping[str, Any]) -> int | None:
        """What is to be proved of a row, None where that is not sure enough."""
        if row.get("label") is not None:
            return int(row["label"])
        read = [float(one) for one in row.get("verdicts", ()) if one is not None]
        share = sum(read) / len(read) if read else 0.5
        return int(share > 0.5) if share != 0.5 and max(share, 1 - share) >= self.sure - 1e-9 else None


_votes = {"chosen_votes": [1.0], "rejected_votes": [0.0]}
_rows = [
    {"prompt": "p", "verdicts": [1, 1, 0, 1], "proofs": ["b is shorter", "a is right"], **_votes},
    {"prompt": "q", "verdicts": [0, 1, 0, None], "proofs": ["b is kind", "a is kind"], **_votes},
    {"prompt": "r", "verdicts": [1, 1], "label": 0, "proofs": ["b adds up", ""], **_votes},
    {"prompt": "s", "verdicts": [1, 1], "proofs": ["b", ""], **_votes},
]
_p = {"prompt": "p", "completion": "a is right\n\n[[A]]", "label": 1}
_q = {"prompt": "q", "completion": "b is kind\n\n[[B]]", "label": 0}
_r = {"prompt": "r", "completion": "b adds up\n\n[[B]]", "label": 0}
witness = (
    Witness(ProvedLabels(), parent=VotedLabels(), given={"rows": _rows}, returns=[_p, _r]),
    Witness(ProvedLabels(sure=0.6), parent=ProvedLabels(), given={"rows": _rows}, returns=[_p, _q, _r]),
    Witness(
        ProvedLabels(says=("", " So the first.")),
        parent=ProvedLabels(),
        given={"rows": _rows[:1]},
        returns=[{**_p, "completion": "a is right So the first."}],
    ),
)
