"""Formats: how a judge is asked: a writer and cases → verdicts.

A case is what was asked and one answer to it (``takes`` 1), two (2) or any number of them (None). Its verdict is a number between 0 and 1 (of one answer, how good it is; of
two, the probability that the first is the better one), or, of any number of answers, one number for each. A judge whose answer cannot be read, or who gave none, has the
value None, and ``why`` says
why: it is counted and reported, and nobody takes it for a low score.

A format that asks once has ``question(case, seed)``, what the judge is asked, and ``read(answer, case)``, the value or ``Unread``: what a judge that is trained learns to
answer, and what is checked of its answer. Those that ask several times (both orders, several votes, every item of a rubric) are formats of formats.

What candidates wrote is fenced (``guerdon.feedback.fencing``). A verdict depends on its case, the writer and the seed, and not on which other cases are judged beside it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

from guerdon.feedback.writers import Writer


@dataclass(frozen=True)
class Case:
    """What is judged.

    Attributes:
        prompt: what was asked, a text or messages.
        answers: what was answered, each a text or messages.
        reference: an answer that is known to be right; None where there is none.
        rubric: what counts, a text or ``guerdon.feedback.rubric.Rubric``; None where the judge is not told.
    """

    prompt: Any
    answers: tuple[Any, ...]
    reference: str | None = None
    rubric: Any = None


@dataclass(frozen=True)
class Verdict:
    """What a judge made of a case.

    Attributes:
        value: see the room; None where there is none.
        said: what the judge wrote, for a reader.
        why: why there is no value.
        read, written: tokens that the judge read and wrote. Two verdicts that say the same are equal, whatever they cost.
        parts: the verdicts that this one was made of, where it was made of several.
    """

    value: float | tuple[float, ...] | None
    said: str = ""
    why: str = ""
    read: int = field(default=0, compare=False)
    written: int = field(default=0, compare=False)
    parts: tuple["Verdict", ...] = field(default=(), repr=False, compare=False)


class Format(Protocol):
    """``takes``: how many answers a case has; None for any number."""

    takes: ClassVar[int | None]

    def __call__(self, writer: Writer, cases: Sequence[Case], seed: int = 0) -> list[Verdict]: ...
