"""Both orders: answers are shown in their order and in the reverse, and the two verdicts are averaged.

    value = (value(first, second) + 1 - value(second, first)) / 2;   of many answers, each one's mean of its two numbers

A judge that reads the place and not the answers comes to 1/2. Where one of the two verdicts cannot be read there is none. It costs twice as much.

Source: swapping positions, Zheng et al. 2023, arXiv 2306.05685; the mean of both, RLAIF, arXiv 2309.00267.
Differs from what it wraps: position bias cancels in the mean.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from guerdon.errors import InputError
from guerdon.feedback.formats import Case, Format, Verdict
from guerdon.feedback.formats._together import together
from guerdon.feedback.formats.preference import Preference
from guerdon.feedback.formats.preference_token import PreferenceToken
from guerdon.feedback.writers import Writer
from guerdon.feedback.writers.scripted import Scripted
from guerdon.witness import Witness


@dataclass(frozen=True)
class BothOrders:
    of: Format = PreferenceToken()

    def __post_init__(self) -> None:
        if self.of.takes == 1:
            raise InputError(
                "both_orders turns answers around, and its format judges one at a time: there is nothing to turn; leave it out"
            )

    @property
    def takes(self) -> int | None:
        return self.of.takes

    def __call__(self, writer: Writer, cases: Sequence[Case], seed: int = 0) -> list[Verdict]:
        turned = [replace(case, answers=case.answers[::-1]) for case in cases]
        said = self.of(writer, [*cases, *turned], seed)
        return [_mean(a, b) for a, b in zip(said[: len(cases)], said[len(cases) :], strict=True)]


def _mean(straight: Verdict, turned: Verdict) -> Verdict:
    if straight.value is None or turned.value is None:
        return together([straight, turned], None, straight.why or turned.why)
    if isinstance(straight.value, tuple):
        return together([straight, turned], tuple((a + b) / 2 for a, b in zip(straight.value, turned.value[::-1], strict=True)))
    return together([straight, turned], (straight.value + 1 - turned.value) / 2)


_case = [Case("Which?", ("long", "short"))]
_first = Scripted({"<answer-A": "[[A]]"})  # whatever it is shown
witness = (
    Witness(
        BothOrders(Preference()),
        parent=Preference(),
        given={"writer": _first, "cases": _case},
        returns=[Verdict(0.5, "[[A]]\n\n---\n\n[[A]]")],
    ),
    Witness(
        BothOrders(Preference()),
        parent=Preference(),
        given={"writer": Scripted({"long\n</answer-A": "[[C]]"}, {}, "[[B]]"), "cases": _case},
        returns=[Verdict(0.75, "[[C]]\n\n---\n\n[[B]]")],
    ),
    Witness(
        BothOrders(Preference()),
        parent=Preference(),
        given={"writer": Scripted({"long\n</answer-A": "hm"}, {}, "[[A]]"), "cases": _case},
        returns=[Verdict(None, "hm\n\n---\n\n[[A]]", "it holds no verdict in double brackets: 'hm'")],
    ),
)
