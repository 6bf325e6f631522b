"""String match: 1 where a completion is the answer, after both were brought to a common form.

    reward = right if form(completion) == form(answer) else wrong

``form`` applies the options that are on: letters in lower case, punctuation dropped, the articles "a", "an", "the" dropped, runs of
white space as one space. Punctuation that is part of a token stays: the sign and the point of a number, what stands between digits or single
letters ("x-1", "3/4"), and + and # behind a word ("C++", "C#", "A-"); separators of thousands and the points of "U.S.A." go.
The column ``answer`` holds a string, or a list of strings of which any will do; None gives None.

What is compared is what the completion says after its thinking: all of it, what it marks (the last ``\\boxed{}``, ``<answer>``, ``####``), or the
sentence that follows its last "the answer is"; a last box that is not closed is no answer. Where the answer is one letter, that of a choice, so are "Option B",
"(B)" and "B) Paris". With ``marker`` only what follows its last occurrence is compared; with ``within`` the answer may stand anywhere in
the text, as whole words: that accepts a completion that lists every candidate, so it suits evaluation better than training.

Source: the exact match of SQuAD, arXiv 1606.05250, section 6.1, which drops punctuation and articles; case and white space as in
its evaluation. Articles are kept by default, since outside of reading comprehension they may be the answer.
Its time is linear in the text, so it needs no process of its own.
"""

import math
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from guerdon.feedback.answers import marked, stated, worded
from guerdon.feedback.text import after_marker, answer_text
from guerdon.witness import Witness

_PADDING = 1_000  # characters around an answer that may be punctuation and white space
_ARTICLES = ("a", "an", "the")
_DASHES = str.maketrans(dict.fromkeys("\u2212\u2013\u2010\u2011\ufe63\uff0d", "-") | {"\u2019": "'", "\u2018": "'", "\u00b4": "'"})
_THOUSANDS = re.compile(r"(?<![\d.,])(\d{1,3}(?:,\d{3})+)(?![\d,]|\.\d{3},)")
_INITIALS = re.compile(r"(?<![^\W\d_])[^\W\d_](?:\.[^\W\d_])+(?![^\W\d_])\.?|(?<![^\W_])(?:[^\W\d_]{1,3}\.){2,}")  # U.S.A., Ph.D.
_APOSTROPHES = re.compile(r"(?<=[^\W\d_])'(?=[^\W\d_])")
_POSITIVE = re.compile(r"(?<![\w)\]}+.])\+(?=\.?\d)")  # +5 is 5
_CHOICE = re.compile(
    r"[\s*`$]*(?:(?:option|choice)\s+)?[(\[*]*(?P<letter>[^\W\d_])(?P<behind>[)\].:*]*)[\s*`$.]*(?P<rest>.*)", re.IGNORECASE | re.DOTALL
)
_LABEL = re.compile(r"(?<!\w)(?:[A-Z](?!\w)|[a-z][).])")
_SIGN = re.compile(r"[^\w\s]|_")
_OPERAND = r"(?:\d|(?<![^\W_])[^\W\d_](?![^\W\d_]))"
_SPACED = re.compile(rf"({_OPERAND}[)\]}}]?)[ \t]*([-+*/^=<>\u2264\u2265\u2260\u00d7\u00f7])[ \t]*(?=[(\[{{]?-?{_OPERAND})")
_KEPT = re.compile(
    r"(?P<behind>(?<=\w)(?:\+\+?|\#)(?!\w))"  # C++, A+, C#
    r"|(?P<grade>(?<![^\W_][^\W_])(?<=[^\W\d_])-(?![\w-]))"  # A-
    r"|(?P<point>(?<=\w)\.(?=\w)|(?<![^\s(\['-])\.(?=\w))"  # 3.14, .5, .NET, file.txt
    r"|(?P<sign>(?<![\w)\]}])-(?=\.?\d|\$\d))"  # -5
    r"|(?P<between>(?<=[\w)])[-+*/^=<>_&@:\u2044](?=[\w(-]))"  # x-1, 3/4, 2:30
    r"|(?P<bound>[<>=](?=\s?-?[\w.]))"  # > 5
)


@dataclass(frozen=True)
class StringMatch:
    marker: str | None = None  # None: the whole text, or what is marked in it
    within: bool = False
    ignore_case: bool = True
    ignore_punctuation: bool = True
    ignore_articles: bool = False
    right: float = 1.0
    wrong: float = 0.0

    def __call__(self, prompts: list[Any], completions: list[Any], answer: list[Any], **columns: list[Any]) -> list[float | None]:
        return [self._judge(*row) for row in zip(prompts, completions, answer, strict=True)]

    def _judge(self, prompt: Any, completion: Any, gold: Any) -> float | None:
        if gold is None:
            return None
        accepted = gold if isinstance(gold, (list, tuple, set)) else [gold]
        forms = [form for form in (self.form(_text(one)) for one in accepted) if form]
        if not forms:
            return None  # an answer of punctuation alone would match any completion that says nothing
        texts = self._said(answer_text(completion, prompt))
        if not self.within:  # what is very much longer is another text; forming it would take long
            most = _PADDING + 20 * max(map(len, forms))
            texts = [text for text in texts if len(text) <= most]
        if any(len(form) == 1 and form.isalpha() for form in forms):
            texts = [*texts, *(letter for text in texts if (letter := _chosen(text)) is not None)]
        said = [self.form(text) for text in texts]
        same = any(f" {form} " in f" {one} " for form in forms for one in said) if self.within else any(one in forms for one in said)
        return self.right if same else self.wrong

    def _said(self, text: str) -> list[str]:
        """What is compared: the text, and what is marked in it."""
        if self.marker is not None:
            after = after_marker(text, self.marker)
            return [] if after is None else [after]
        answer = marked(text)
        if answer is not None:
            return [] if answer.text is None else [worded(answer.text), answer.text, text]
        said = stated(text) if len(text) > len("answer") else None
        return [text] if said is None else [text, said]

    def form(self, text: str) -> str:
        """The common form of a text under the options."""
        if not text.isascii():
            text = unicodedata.normalize("NFKC", text).translate(_DASHES)
            text = "".join(c for c in text if unicodedata.category(c) != "Cf")  # marks of direction and width, which nobody sees
        if self.ignore_case:
            text = unicodedata.normalize("NFKC", text.casefold())
        if self.ignore_punctuation:
            text = _without_punctuation(text)
        words = text.split()
        if self.ignore_articles:
            words = [word for word in words if word.casefold() not in _ARTICLES]
        return " ".join(words)


def _chosen(text: str) -> str | None:
    """The letter of a choice: B of "Option B", "(B)" and "B) Paris", if no other is named."""
    found = _CHOICE.match(worded(text) if "\\" in text else text)
    if found is None or (found["rest"] and (not found["behind"] or _LABEL.search(found["rest"]))):
        return None
    return found["letter"]


def _text(gold: Any) -> str:
    """What is accepted, as a text; nothing where a row or a table has no answer, which no completion is to be right by spelling out."""
    empty = isinstance(gold, float) and math.isnan(gold)  # what tables write into an empty field
    if gold is None or isinstance(gold, Mapping) or empty:
        return ""
    try:
        return str(int(gold)) if isinstance(gold, float) and gold.is_integer() else str(gold)  # 18 in a table with an empty field is 18.0
    except ValueError:  # a whole number of more digits than Python writes
        return ""


def _without_punctuation(text: str) -> str:
    text = _THOUSANDS.sub(lambda found: found.group().replace(",", ""), text)
    text = _INITIALS.sub(lambda found: found.group().replace(".", ""), text)
    text = _SPACED.sub(r"\1\2", _POSITIVE.sub("", _APOSTROPHES.sub("", text)))
    kept = {found.start() + k for found in _KEPT.finditer(text) if not _is_hyphen(text, found) for k in range(len(found.group()))}
    return _SIGN.sub(lambda found: " " if found.start() not in kept and _is_punctuation(found.group()) else found.group(), text)


def _is_hyphen(text: str, found: re.Match[str]) -> bool:
    """Whether what stands between two words only joins them ("well-known", "e-mail") and is no operator between letters or numbers."""
    if found.lastgroup != "between" or found.group() not in "-:*_&=":
        return False
    before, after = text[max(found.start() - 2, 0) : found.start()], text[found.end() : found.end() + 2]
    single = not before[:-1].isalpha() and not after[1:].isalpha()
    return before[-1:].isalpha() and after[:1].isalpha() and not single


def _is_punctuation(letter: str) -> bool:
    return unicodedata.category(letter).startswith("P") or letter in "$+<=>^`|~"


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
        given={"prompts": ["q"], "completions": ["Paris!"], "answer": ["Paris"]},
        returns=[0.0],
    ),
    Witness(
        StringMatch(ignore_articles=True),
        parent=StringMatch(),
        given={"prompts": ["q"], "completions": ["the Eiffel Tower"], "answer": ["Eiffel tower"]},
        returns=[1.0],
    ),
)
