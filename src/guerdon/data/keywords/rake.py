"""RAKE: a text's own words tell which of them matter: those that stand in long phrases between stop words.

    phrases      = longest runs of words between stop words and punctuation
    score[word]  = (sum over the phrases with it of their number of words) / (how often it occurs)
    score[phrase] = sum of the scores of its words

Phrases come in descending order of score, of equal scores the first in the text first. Letters' case does not matter to the scores.

Source: Rose, Engel, Cramer and Cowley 2010, "Automatic keyword extraction from individual documents", in Text Mining: Applications and
Theory: degree over frequency, the ratio that its authors settle on. They keep the best third of all phrases; here all are kept, and who
reads them decides. It knows nothing of other texts, nor of what was preferred. Default stop words: English function words; they have to be
those of the texts' language.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from guerdon.data.keywords import words_of
from guerdon.witness import Witness

_ENGLISH = """
a about above after again against all also am an and any are as at be because been before being below between both but by can could did do
does doing down during each few for from further had has have having he her here hers him his how i if in into is it its itself just may
me might more most must my no nor not of off on once only or other our ours out over own same shall she should so some such than that the
their theirs them then there these they this those through to too under until up upon us very was we were what when where which while who
whom whose why will with would you your yours
"""
ENGLISH = frozenset(_ENGLISH.split())
_BREAK = re.compile(r"[^\w\s'-]+|\n")


@dataclass(frozen=True)
class Rake:
    stop_words: frozenset[str] = ENGLISH

    def __call__(self, rows: Sequence[Mapping[str, Any]]) -> list[list[str]]:
        return [self._phrases(row["chosen"]) for row in rows]

    def _phrases(self, text: str) -> list[str]:
        found = [run for part in _BREAK.split(text) for run in self._runs(part)]
        often, reach = Counter[str](), Counter[str]()
        for run in found:
            for word in map(str.lower, run):
                often[word] += 1
                reach[word] += len(run)
        score = {" ".join(run): sum(reach[w.lower()] / often[w.lower()] for w in run) for run in found}
        return sorted(score, key=lambda phrase: -score[phrase])

    def _runs(self, part: str) -> list[list[str]]:
        """The runs of words between stop words."""
        runs: list[list[str]] = [[]]
        for word in words_of(part):
            if word.lower() in self.stop_words:
                runs.append([])
            else:
                runs[-1].append(word)
        return [run for run in runs if run]


# "fast linear models" and "linear maps" give linear (3 + 2) / 2 = 2.5, fast and models 3, maps 2; maps alone lowers it to (2 + 1) / 2.
_rows = [{"chosen": "fast linear models and linear maps"}, {"chosen": "maps of linear maps"}]
witness = (
    Witness(Rake(), given={"rows": _rows}, returns=[["fast linear models", "linear maps"], ["linear maps", "maps"]]),
    Witness(
        Rake(frozenset({"linear", "and"})),
        parent=Rake(),
        given={"rows": _rows[:1]},
        returns=[["fast", "models", "maps"]],
    ),
)
