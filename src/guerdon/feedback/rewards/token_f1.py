"""Token F1: how many words of an answer are those of the gold answer, and the other way round.

    reward = 2 P R / (P + R)        P: the share of the answer's words that are the gold answer's, R: the share of the gold's that are the answer's

Words are counted as often as they occur, in lower case, without punctuation and without the articles "a", "an", "the" (SQuAD's normalisation).
The column ``answer`` holds a string or several, of which the best counts; None gives None. Where one of the two has no words, the reward is 1 if neither
has, else 0. What is compared is what the completion says after its thinking: what it marks (``guerdon.feedback.answers``), or all of it.

Source: SQuAD, arXiv 1606.05250, and the evaluation script of its version 2.0, for the normalisation and for answers without words.
Differs from StringMatch: an answer that says more or less than the gold one is worth something.
"""

import re
import string
from collections import Counter
from dataclasses import dataclass
from typing import Any

from guerdon.feedback.answers import marked, worded
from guerdon.feedback.rewards.string_match import StringMatch
from guerdon.feedback.text import answer_text, gold_text
from guerdon.witness import Witness

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)


@dataclass(frozen=True)
class TokenF1:
    def __call__(self, prompts: list[Any], completions: list[Any], answer: list[Any], **columns: list[Any]) -> list[float | None]:
        return [self._judge(*row) for row in zip(prompts, completions, answer, strict=True)]

    def _judge(self, prompt: Any, completion: Any, gold: Any) -> float | None:
        several = gold if isinstance(gold, list | tuple) else [gold]
        accepted = [text for one in several if (text := gold_text(one)) is not None]
        if not accepted:
            return None
        text = answer_text(completion, prompt)
        mark = marked(text)
        if mark is not None:
            text = worded(mark.text or "")
        return max(f1(text, one) for one in accepted)


def f1(said: str, gold: str) -> float:
    """Of the words of two texts."""
    a, b = Counter(words(said)), Counter(words(gold))
    if not a or not b:
        return float(a == b)
    same = (a & b).total()
    return 2 * same / (a.total() + b.total())


def words(text: str) -> list[str]:
    """Of a text, as SQuAD compares them."""
    return _ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split()


witness = Witness(
    TokenF1(),
    parent=StringMatch(),
    given={
        "prompts": ["q"] * 4,
        "completions": ["<think>Rome?</think>the Eiffel Tower in Paris", r"\boxed{Paris}", "no", "Paris"],
        "answer": ["Eiffel Tower", ["Paris, France", "Paris"], "yes", None],
    },
    returns=[2 * 2 / (4 + 2), 1.0, 0.0, None],
)
