"""Summarise: a model writes down in fewer words what is too long to be told.

    text  ->  [summary of n characters:] what the model wrote

It is asked for as many words as there is room for, at six characters a word, and told the text between marks that the text cannot hold: what an environment says is data, and
no instruction to whoever summarises it. Where the model has no answer, or the summary does not fit either, ``otherwise`` does what it does.

Source: agents that summarise what their tools say; the question and the marks (``feedback.fencing``) are ours.
Differs from Shorten: nothing is cut out of the middle, at the cost of a question. One of several processes asks, for all.
"""

from dataclasses import dataclass, field

from guerdon.acting.overflow import Overflow
from guerdon.acting.overflow.shorten import Shorten
from guerdon.errors import InputError
from guerdon.feedback.fencing import NOTICE, fenced, mark_of
from guerdon.feedback.writers import Question, Writer
from guerdon.feedback.writers.scripted import Scripted
from guerdon.witness import Witness

CHARACTERS = 6  # of a word and its blank
_ASKED = (
    "Summarise what an agent was told by its environment, in at most {words} words. Keep names, numbers, addresses, errors and whatever the agent can act on. "
    "Write the summary and nothing else. "
)


@dataclass(frozen=True)
class Summarise:
    model: Writer
    least: int = 5
    otherwise: Overflow = field(default_factory=Shorten)

    def __post_init__(self) -> None:
        if self.least < 1:
            raise InputError(f"overflow: least, the words of the shortest summary, is 1 or more, not {self.least}")

    def __call__(self, text: str, tokens: int, room: int) -> str | None:
        begins = f"[summary of {len(text)} characters:] "
        words = (int(len(text) * max(room, 0) / tokens) - len(begins)) // CHARACTERS
        if words < self.least or text.startswith("[summary of "):  # the second is what came of this and does not fit
            return self.otherwise(text, tokens, room)
        mark = mark_of(0, [text])
        told = (
            {"role": "system", "content": _ASKED.format(words=words) + NOTICE.format(mark=mark)},
            {"role": "user", "content": fenced("TOLD", text, mark)},
        )
        (answer,) = self.model([Question(told, max_tokens=room)])
        summary = begins + answer.text.strip()
        return summary if answer.text.strip() and len(summary) < len(text) else self.otherwise(text, tokens, room)


_given = {"text": "a door " * 20, "tokens": 100, "room": 60}
witness = (
    Witness(
        Summarise(Scripted({"at most 9 words": "Twenty doors."}), least=2),
        parent=Shorten(),
        given=_given,
        returns="[summary of 140 characters:] Twenty doors.",
    ),
    Witness(  # a model that writes nothing: the middle is left out
        Summarise(Scripted(), least=2),
        parent=Summarise(Scripted({"at most 9 words": "Twenty doors."}), least=2),
        given=_given,
        returns=Shorten()(**_given),
    ),
)
