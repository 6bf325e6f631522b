"""Search gain: how high a fixed search puts what is relevant, if it is asked what the completion says.

    reward = DCG / best DCG        DCG = sum over relevant found of 1 / log2(1 + rank), ranks from 1 to ``most``; best DCG: the relevant come first

``search(query, most)`` returns names, the best first; it is a black box (``BM25(path).ranked``, a recommender, a server), and may be called from several threads. The query is
what the completion says after its thinking. The column ``answer`` holds the name that is relevant, or several; None gives None, and a query that says nothing earns 0.

Source: Rec-R1, arXiv 2503.24289, and its authors' code (linjc16/Rec-R1, ``verl/utils/reward_score/esci_multi_reward.py``), there with Lucene's BM25 and 1,000 names. There a query
is JSON in tags, a completion of another form earns -2, and one that finds something 0.1 more: a matter of rewards beside this one (``format``, ``json_schema``).
Differs from StringMatch: it is judged by what it brings about, not by what it says.
"""

import math
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, ClassVar

from guerdon.errors import InputError
from guerdon.feedback.rewards.string_match import StringMatch
from guerdon.feedback.text import answer_text
from guerdon.witness import Witness


@dataclass(frozen=True)
class SearchGain:
    elsewhere: ClassVar[bool] = True

    search: Callable[[str, int], Sequence[Hashable]]
    most: int = 1000
    workers: int = 4

    def __post_init__(self) -> None:
        if self.most < 1 or self.workers < 1:
            raise InputError(f"a search is asked for at least one name, by at least one worker, not {self.most} and {self.workers}")

    def __call__(self, prompts: list[Any], completions: list[Any], answer: list[Any], **columns: list[Any]) -> list[float | None]:
        with ThreadPoolExecutor(self.workers, "guerdon-searches") as threads:
            return list(threads.map(self._judge, prompts, completions, answer))

    def _judge(self, prompt: Any, completion: Any, answer: Any) -> float | None:
        if answer is None:
            return None
        relevant = set(answer) if isinstance(answer, list | tuple | set) else {answer}
        if not relevant:
            return None
        query = answer_text(completion, prompt).strip()
        found = list(self.search(query, self.most))[: self.most] if query else []
        gain = sum(1 / math.log2(2 + place) for place, name in enumerate(dict.fromkeys(found)) if name in relevant)
        return gain / sum(1 / math.log2(2 + place) for place in range(min(len(relevant), self.most)))


def _alphabetical(query: str, most: int) -> list[str]:
    return sorted(word for word in ("mug", "pan", "pot", "saw") if word[0] in query)[:most]


_asked = {
    "prompts": ["q"] * 5,
    "completions": ["mug", "saw or pan", "saw or pan", "", "lamp"],
    "answer": ["mug", ["pot", "saw"], "pot", "mug", None],
}
witness = (  # mug; pan, pot, saw: pot is the second and saw the third, of two
    Witness(
        SearchGain(_alphabetical),
        parent=StringMatch(),
        given=_asked,
        returns=[1.0, (1 / math.log2(3) + 0.5) / (1 + 1 / math.log2(3)), 1 / math.log2(3), 0.0, None],
    ),
    Witness(SearchGain(_alphabetical, most=1), parent=SearchGain(_alphabetical), given=_asked, returns=[1.0, 0.0, 0.0, 0.0, None]),
)
