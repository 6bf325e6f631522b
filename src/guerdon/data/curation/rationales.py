"""Rationales: why one answer was preferred, as something to learn beside the preference.

    {prompt, chosen, rejected, rationale} -> {question about prompt, chosen and rejected, in this order; the rationale}        rows

The rows are demonstrations: their negative log-likelihood, with a weight, is the second term of rationale-enriched preference learning. A
row without a rationale (None, "" or no such column) is left out, so that only a part of the pairs needs one. ``question`` says how the
three texts are laid out.

Source: arXiv 2407.14477: the loss of any preference method - gamma log p(rationale | prompt, chosen preferred to rejected); the better
answer comes first, as in its authors' code (their loss for DPO is there -log sigmoid(gamma log p), which pulls a likely rationale with half
of gamma and an unlikely one with all of it). Who writes the rationale is left to the data. The wording of the question is ours.
Differs from BestWorstPairs: it makes no pairs, but something else to be learned from pairs that there are.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from guerdon.data.curation.best_worst_pairs import BestWorstPairs
from guerdon.witness import Witness

QUESTION = "{prompt}\n\nThis answer was preferred:\n{chosen}\n\nto this one:\n{rejected}\n\nWhy?"


@dataclass(frozen=True)
class Rationales:
    question: str = QUESTION

    def __call__(self, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        return [
            {
                "prompt": self.question.format(**{name: row[name] for name in ("prompt", "chosen", "rejected")}),
                "completion": row["rationale"],
            }
            for row in rows
            if row.get("rationale")
        ]


_pair = {"prompt": "p", "chosen": "a", "rejected": "b", "completions": ["a", "b"], "scores": [1.0, 0.0]}
_rows = [{**_pair, "rationale": "a is short"}, {**_pair, "rationale": ""}, _pair]
witness = (
    Witness(
        Rationales(),
        parent=BestWorstPairs(),
        given={"rows": _rows},
        returns=[{"prompt": "p\n\nThis answer was preferred:\na\n\nto this one:\nb\n\nWhy?", "completion": "a is short"}],
    ),
    Witness(
        Rationales("{prompt}>{rejected}<{chosen}?"),
        parent=Rationales(),
        given={"rows": _rows},
        returns=[{"prompt": "p>b<a?", "completion": "a is short"}],
    ),
)
