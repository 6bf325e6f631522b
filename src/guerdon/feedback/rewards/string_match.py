"""String match: 1 where a completion is the answer, after both were brought to a common form.

    reward = right if form(completion) == form(answer) else wrong

``form`` applies the options that are on: letters in lower case, punctuation dropped, the articles "a", "an", "the" dropped, runs of
white space as one space. The column ``answer`` holds a string, or a list of strings of which any will do; None gives None. With
``marker`` only what follows its last occurrence is compared; with ``within`` the answer may stand anywhere in the text, as whole
words: that accepts a completion that lists every candidate, so it suits evaluation better than training.

Source: the exact match of SQuAD, arXiv 1606.05250, section 6.1, which drops punctuation and articles; case and white space as in
its evaluation. Articles are kept by default, since outside of reading comprehension they may be the answer.
"""

import string
import unicodedata
from dataclasses import dataclass
from typing import Any

from guerdon.feedback.text import after_marker, final_text
from guerdon.witness import Witness

_ARTICLES = ("a", "an", "the")


@dataclass(frozen=True)
class StringMatch:
    marker: str | None = None  # None: the whole text
    within: bool = False
    ignore_case: bool = True
    ignore_punctuation: bool = True
    ignore_articles: bool = False
    right: float = 1.0
    wrong: float = 0.0

    def __call__(self, prompts: list[Any], completions: list[Any], answer: list[Any], **columns: list[Any]) -> list[float | None]:
        return [self._judge(completion, gold) for completion, gold in zip(completions, answer, strict=True)]

    def _judge(self, completion: Any, gold: Any) -> float | None:
        if gold is None:
            return None
        accepted = gold if isinstance(gold, (list, tuple, set)) else [gold]
        forms = [form for form in (self.form(str(one)) for one in accepted) if form]
        if not forms:
            return None  # an answer of punctuation alone would match any completion that says nothing
        text = after_marker(final_text(completion), self.marker)
        if text is None:
            return self.wrong
        said = self.form(text)
        same = any(f" {form} " in f" {said} " for form in forms) if self.within else said in forms
        return self.right if same else self.wrong

    def form(self, text: str) -> str:
        """The common form of a text under the options."""
        text = unicodedata.normalize("NFKC", text)
        if self.ignore_case:
            text = text.casefold()
        if self.ignore_punctuation:
            text = "".join(" " if c in string.punctuation or unicodedata.category(c).startswith("P") else c for c in text)
        words = text.split()
        if self.ignore_articles:
            words = [word for word in words if word.casefold() not in _ARTICLES]
        return " ".join(words)


witness = (
    Witness(
        StringMatch(),
        given={"prompts": ["q"] * 3, "completions": ["Paris.", "it is Paris", "x"], "answer": ["paris", ["Paris", "Lyon"], None]},
        returns=[1.0, 0.0, None],
    ),
    Witness(
        StringMatch(within=True),
        parent=StringMatch(),
        given={"prompts": ["q"] * 2, "completions": ["it is Paris", "a comparison"], "answer": ["paris", "Paris"]},
        returns=[1.0, 0.0],
    ),
    Witness(
        StringMatch(marker="Answer:"),
        parent=StringMatch(),
        given={"prompts": ["q"] * 2, "completions": ["Hm. Answer: b", "b"], "answer": ["b", "b"]},
        returns=[1.0, 0.0],
    ),
    Witness(
        StringMatch(ignore_case=False),
        parent=StringMatch(),
        given={"prompts": ["q"], "completions": ["us"], "answer": ["US"]},
        returns=[0.0],
    ),
    Witness(
        StringMatch(ignore_punctuation=False),
        parent=StringMatch(),
        given={"prompts": ["q"], "completions": ["x+y"], "answer": ["x y"]},
        returns=[0.0],
    ),
    Witness(
        StringMatch(ignore_articles=True),
        parent=StringMatch(),
        given={"prompts": ["q"], "completions": ["the Eiffel Tower"], "answer": ["Eiffel tower"]},
        returns=[1.0],
    ),
)
