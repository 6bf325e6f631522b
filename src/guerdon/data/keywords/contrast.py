"""Contrast: the words that matter are those that stand in preferred texts more often than in the others.

    score[word] = log (chosen texts with it + 1/2) - log (rejected texts with it + 1/2)        over all rows

A text's key words are those of its words whose score is above 0, in descending order of score, of equal scores the first in the text first.

Source: log-odds of words between two corpora, Monroe, Colaresi and Quinn 2008, "Fightin' Words", section 3.3 (there with a prior of their
own; the 1/2 is the usual one). As both corpora have as many texts, the ratio of counts is that of shares.
Differs from Rake: it reads what was preferred, and needs many rows for it.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from guerdon.data.keywords import words_of
from guerdon.data.keywords.rake import Rake
from guerdon.witness import Witness


@dataclass(frozen=True)
class Contrast:
    def __call__(self, rows: Sequence[Mapping[str, Any]]) -> list[list[str]]:
        counts = {side: Counter(word for row in rows for word in set(words_of(row[side]))) for side in ("chosen", "rejected")}
        chosen, rejected = counts["chosen"], counts["rejected"]
        score = {word: math.log(chosen[word] + 0.5) - math.log(rejected[word] + 0.5) for word in chosen}
        own = [list(dict.fromkeys(words_of(row["chosen"]))) for row in rows]
        return [sorted((word for word in words if score[word] > 0), key=lambda word: -score[word]) for words in own]


# a stands in two chosen texts and no rejected one, b in one and no, c in one and two.
_rows = [{"chosen": "cba", "rejected": "cd"}, {"chosen": "aa", "rejected": "c"}]
witness = Witness(Contrast(), parent=Rake(), given={"rows": _rows}, returns=[["a", "b"], ["a"]])
