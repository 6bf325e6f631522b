"""Graded removal: what is left of a preferred text without more and more of its key content, and how much was taken.

    completion_k = chosen without its first floor(k n / (degrees - 1)) of n key phrases,  category = k,   k = 0 .. degrees - 1        rows

Rows are those of comparisons (``prompt``, ``chosen``, ``rejected``); all occurrences of a phrase go, and the space that they leave. A
degree that takes no more than the one before is left out, as its text would have two labels, and so is one that leaves nothing. A text
without key phrases gives no rows.

Source: SPO, arXiv 2409.17791: key content found by RAKE and removed in several amounts, and the amount as the label of a classifier on the
policy's own hidden states. We could read its abstract and summaries of it, not its equations: four degrees, shares evenly spaced, most
important first are our choice.
Differs from BestWorstPairs: nothing is compared; the labels are made of the texts themselves.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from guerdon.data.curation.best_worst_pairs import BestWorstPairs
from guerdon.data.keywords import Keywords
from guerdon.data.keywords.contrast import Contrast
from guerdon.data.keywords.rake import Rake
from guerdon.witness import Witness


@dataclass(frozen=True)
class GradedRemoval:
    keywords: Keywords = Rake()
    degrees: int = 4

    def __call__(self, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        graded = []
        for row, phrases in zip(rows, self.keywords(rows), strict=True):
            taken = -1
            for degree in range(self.degrees) if phrases else ():
                before, taken = taken, degree * len(phrases) // (self.degrees - 1)
                text = without(row["chosen"], phrases[:taken])
                if taken > before and text:
                    graded.append({"prompt": row["prompt"], "completion": text, "category": degree})
        return graded


def without(text: str, phrases: Sequence[str]) -> str:
    """The text without any of the phrases: whole words, where it has spaces."""
    spaced = " " in text.strip()
    for phrase in phrases:
        text = re.sub(rf"\b{re.escape(phrase)}\b", "", text, flags=re.IGNORECASE) if spaced else text.replace(phrase, "")
    return re.sub(r" {2,}", " ", text).strip() if spaced else text


_letters = [
    {"prompt": "p", "chosen": "cbacd", "rejected": "dd", "completions": ["cbacd", "dd"], "scores": [1.0, 0.0]}
]  # in descending order of contrast, and in the text: c, b, a
_words = [{"prompt": "p", "chosen": "use fast linear models", "rejected": "no"}]
witness = (
    Witness(
        GradedRemoval(Contrast()),
        parent=BestWorstPairs(),
        given={"rows": _letters},
        returns=[
            {"prompt": "p", "completion": "cbacd", "category": 0},
            {"prompt": "p", "completion": "bad", "category": 1},
            {"prompt": "p", "completion": "ad", "category": 2},
            {"prompt": "p", "completion": "d", "category": 3},
        ],
    ),
    Witness(  # two degrees: all or nothing
        GradedRemoval(Contrast(), degrees=2),
        parent=GradedRemoval(Contrast()),
        given={"rows": _letters},
        returns=[{"prompt": "p", "completion": "cbacd", "category": 0}, {"prompt": "p", "completion": "d", "category": 1}],
    ),
    Witness(  # one phrase: the degrees in between would take nothing
        GradedRemoval(Rake(frozenset({"use"}))),
        parent=GradedRemoval(Contrast()),
        given={"rows": _words},
        returns=[
            {"prompt": "p", "completion": "use fast linear models", "category": 0},
            {"prompt": "p", "completion": "use", "category": 3},
        ],
    ),
)
