"""Model verdict: how sure a model is that a completion says what the reference answer says.

    reward = p(yes) / (p(yes) + p(no)),  of the two words that may answer ``asks`` with {prompt}, {answer} and {completion} filled in
    and, unless ``soft``:  1 where that is above 1/2, else 0

For references in free text, of which no rule knows every way of writing. The completion is shown without its thinking, and, where it marks its answer (``\\boxed{}``,
``<answer>``, ``####``), as that alone: the less of it is read the less it can say to whoever judges. One that has not finished thinking, or says nothing, gets 0. The column
``answer`` holds a text, or several of which any will do; None gives None.

``model`` is a specification, whose ``build()`` returns the running model, or the running model itself: what has ``likely(questions, words)``, the log-probability
of each word as the answer to each question. It is built at the first completion that is judged, once in a process, and is not part of what is pickled, printed or
compared.

Source: Su et al. 2025, RLVR in diverse domains, arXiv 2503.23829, whose soft reward is the probability of the judge's verdict and whose binary reward is the verdict;
that the two words share all of the probability is ours, as is the wording. TinyV, arXiv 2505.14625, asks for "True" and "False".
Differs from Scorer: it is asked in words, and told the reference. Differs from StringMatch: it can be wrong, and what is optimised against it will find out where.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

from guerdon.errors import InputError
from guerdon.feedback.answers import marked
from guerdon.feedback.rewards.string_match import StringMatch
from guerdon.feedback.text import answer_text, gold_text
from guerdon.witness import Witness

ASKS = (
    "Question: {prompt}\n\nReference answer: {answer}\n\nAnswer of a student: {completion}\n\n"
    "Does the student's answer say the same as the reference answer? Reply Yes or No.\n"
)


class Likely(Protocol):
    """A running model: B questions and W words → for each question the log-probability of each word as its answer."""

    def likely(self, questions: Sequence[str], words: Sequence[str]) -> Sequence[Sequence[float]]: ...


@dataclass(frozen=True)
class ModelVerdict:
    model: Any
    asks: str = ASKS
    yes: str = "Yes"
    no: str = "No"
    soft: bool = True

    def __post_init__(self) -> None:
        if missing := [name for name in ("answer", "completion") if f"{{{name}}}" not in self.asks]:
            raise InputError(
                f"model_verdict.asks: the model is to compare two texts, and {{{missing[0]}}} is not among what it is told; put it in"
            )

    def __call__(self, prompts: list[Any], completions: list[Any], answer: list[Any], **columns: list[Any]) -> list[float | None]:
        asked, place = [], []
        for row, (prompt, completion, gold) in enumerate(zip(prompts, completions, answer, strict=True)):
            said = _shown(completion, prompt)
            for text in _texts(gold) if said else ():
                asked.append(_filled(self.asks, prompt=_question(prompt), answer=text, completion=said))
                place.append(row)
        found: list[float | None] = [None if gold is None else 0.0 for gold in answer]
        for row, (yes, no) in zip(place, self._running.likely(asked, (self.yes, self.no)) if asked else (), strict=True):
            sure = 1 / (1 + math.exp(min(no - yes, 700.0)))
            found[row] = max(found[row] or 0.0, sure if self.soft else float(sure > 0.5))
        return found

    @cached_property
    def _running(self) -> Likely:
        running = self.model if hasattr(self.model, "likely") else getattr(self.model, "build", lambda: None)()
        if not hasattr(running, "likely"):
            raise InputError(
                f"the model {self.model!r} cannot be asked: it needs likely(questions, words), or build() that returns what has it"
            )
        return running

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_running"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)


def _shown(completion: Any, prompt: Any) -> str:
    said = answer_text(completion, prompt)
    own = marked(said)
    return said.strip() if own is None else (own.text or "").strip()


def _texts(gold: Any) -> list[str]:
    several = gold if isinstance(gold, list | tuple) else [gold]
    return [text for text in map(gold_text, several) if text]


def _question(prompt: Any) -> str:
    return prompt if isinstance(prompt, str) else str(prompt[-1].get("content") or "")


def _filled(template: str, **texts: str) -> str:
    """The template with the texts in their places, none of which is read as a template again."""
    out = [template]
    for name, text in texts.items():
        out = [piece for part in out for piece in _between(part, f"{{{name}}}", _Said(text))]
    return "".join(out)


class _Said(str):
    """A text that is filled in already."""


def _between(part: str, mark: str, text: _Said) -> list[str]:
    if isinstance(part, _Said):
        return [part]
    pieces = part.split(mark)
    return [pieces[0], *(piece for after in pieces[1:] for piece in (text, after))]


@dataclass(frozen=True)
class Same:
    """The smallest model that can be asked, for tests and examples: it finds "Yes" ``odds`` times as likely as "No" where the question says the same text twice."""

    odds: float = 3.0

    def likely(self, questions: Sequence[str], words: Sequence[str]) -> list[list[float]]:
        return [[math.log(self.odds) * (len({*q.split("|")}) < len(q.split("|"))), 0.0] for q in questions]


_asked = {"prompts": ["q"] * 4, "completions": ["five", r"so \boxed{5}", "<think>5", "6"], "answer": ["5", "5", "5", None]}
_short = ModelVerdict(Same(), asks="{completion}|{answer}")
witness = (
    Witness(_short, parent=StringMatch(), given=_asked, returns=[0.5, 0.75, 0.0, None]),
    Witness(ModelVerdict(Same(), asks="{completion}|{answer}", soft=False), parent=_short, given=_asked, returns=[0.0, 1.0, 0.0, None]),
    Witness(_short, parent=StringMatch(), given=_asked | {"answer": [["4", "five"], "5", "5", None]}, returns=[0.75, 0.75, 0.0, None]),
)
