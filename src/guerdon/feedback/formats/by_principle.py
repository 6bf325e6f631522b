"""By principle: each case is judged by one principle that is drawn for it, and how sure the judge is is bounded.

    value = min(max(value(case, principle), least), 1 - least)        principle drawn alike, for each case, from the seed and the case

Over many cases a judge so goes by all principles, and each question is about one thing. The principle is told as what counts. ``least`` 0 leaves verdicts as they are; a judge
that reasons before its verdict is nearly always sure, and what learns from it is then taught to be extreme: 0.4 makes such a verdict 0.6.

Source: Constitutional AI, Bai et al. 2022, arXiv 2212.08073, by its abstract and summaries: one of sixteen principles for each comparison, log-probabilities of the two options
as soft labels; with chain of thought these are clamped to 40 to 60 %. ``least`` 0, as there without it.
Differs from what it wraps: what counts is one principle, another for another case, and certainty is bounded.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

from guerdon.errors import InputError
from guerdon.feedback.formats import Case, Format, Verdict
from guerdon.feedback.formats._asking import prompt_text
from guerdon.feedback.formats.preference_token import PreferenceToken
from guerdon.feedback.text import answer_text
from guerdon.feedback.writers import Writer
from guerdon.feedback.writers.scripted import Scripted
from guerdon.randomness import derive
from guerdon.witness import Witness


@dataclass(frozen=True)
class ByPrinciple:
    principles: tuple[str, ...]
    of: Format = PreferenceToken()
    least: float = 0.0

    def __post_init__(self) -> None:
        if not self.principles or isinstance(self.principles, str) or not 0 <= self.least < 0.5:
            raise InputError(
                f"by_principle: principles are one sentence or more, in a list, and least lies from 0 to below 0.5; not {self.principles!r} and {self.least:g}"
            )

    @property
    def takes(self) -> int | None:
        return self.of.takes

    def __call__(self, writer: Writer, cases: Sequence[Case], seed: int = 0) -> list[Verdict]:
        said = self.of(writer, [replace(case, rubric=self._drawn(case, seed)) for case in cases], seed)
        return [replace(one, value=self._bounded(one.value)) for one in said]

    def _drawn(self, case: Case, seed: int) -> str:
        told = sorted(answer_text(answer, case.prompt) for answer in case.answers)  # the same in both orders
        return random.Random(derive(seed, "principle", prompt_text(case.prompt), *told)).choice(self.principles)

    def _bounded(self, value: float | tuple[float, ...] | None) -> float | tuple[float, ...] | None:
        if isinstance(value, tuple):
            return tuple(min(max(one, self.least), 1 - self.least) for one in value)
        return None if value is None else min(max(value, self.least), 1 - self.least)


_cases = [Case("Which?", ("long", "short"))]
_writer = Scripted({"kind": "A"}, otherwise="B")
witness = (
    Witness(
        ByPrinciple(("It is kind.",)), parent=PreferenceToken(), given={"writer": _writer, "cases": _cases}, returns=[Verdict(1.0, "A")]
    ),
    Witness(
        ByPrinciple(("It is brief.",)),
        parent=ByPrinciple(("It is kind.",)),
        given={"writer": _writer, "cases": _cases},
        returns=[Verdict(0.0, "B")],
    ),
    Witness(
        ByPrinciple(("It is kind.",), least=0.4),
        parent=ByPrinciple(("It is kind.",)),
        given={"writer": _writer, "cases": _cases},
        returns=[Verdict(0.6, "A")],
    ),
)
