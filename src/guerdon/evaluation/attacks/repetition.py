"""Repetition: the whole answer once more, or several times.

    "It is." -> "It is.\n\nIt is."        and ``times`` times

Source: ours; that preference models pay for length: Singhal et al. 2023, arXiv 2310.03716. An empty answer is left alone.
Differs from Padding: nothing is said that is not there already.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from guerdon.evaluation.attacks import Kind
from guerdon.evaluation.attacks.padding import Padding
from guerdon.witness import Witness


@dataclass(frozen=True)
class Repetition:
    kind: ClassVar[Kind] = "length"
    times: tuple[int, ...] = (2, 4)

    def __call__(self, answers: Sequence[str]) -> list[list[str]]:
        return [["\n\n".join([text.strip()] * n) for n in self.times] if text.strip() else [] for text in answers]


_given = {"answers": ["It is.", "\n"]}
witness = (
    Witness(Repetition((2,)), given=_given, returns=[["It is.\n\nIt is."], []], parent=Padding()),
    Witness(Repetition((2, 3)), given=_given, returns=[["It is.\n\nIt is.", "It is.\n\nIt is.\n\nIt is."], []], parent=Repetition((2,))),
)
