"""Arithmetic: work out an expression with a calculator that does one operation at a time.

    prompt     12+3*7=?
    said       =3*7           asks the calculator; 33 is the answer
    told       21>
    earns      1 for the right answer, 0 for a wrong one, which also ends the episode; -``cost`` for asking; -0.1 for what is neither

``operations`` signs of ``signs`` stand between numbers of up to ``digits`` digits; products go first, as usual. Rows are as many as there are expressions. The expert asks for
each operation in turn, and its return, 1 - cost * operations, is exact; without cost it is the most that there is. Who reckons without asking earns at most 1: that is the upper
bound.

Source: ours; tools within the reasoning as in ReTool, arXiv 2504.11536, and ToolRL, arXiv 2504.13958.
"""

import random
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from guerdon.errors import InputError
from guerdon.worlds.games._rules import Outcome, Rules
from guerdon.worlds.games._wording import Action, Wording

Sum = tuple[str, ...]  # numbers and signs in turn; what remains to be worked out
_DOES = {"+": int.__add__, "-": int.__sub__, "*": int.__mul__}
_ASKED = re.compile(r"\s*(-?\d{1,12})\s*([-+*])\s*(-?\d{1,12})\s*")


@dataclass(frozen=True)
class Arithmetic(Rules):
    digits: int = 1
    operations: int = 2
    signs: str = "+-*"
    cost: float = 0.0
    turns: int = 4
    wording: str = "terse"

    wasted: ClassVar[float] = -0.1
    wordings: ClassVar[Mapping[str, Wording]] = {
        "terse": Wording(
            says={"ask": "={x}", "answer": "{x}"},
            tells={"rules": "{sum}=?", "value": "{value}>", "right": "yes", "wrong": "no", "invalid": "?>"},
            between="",
        ),
        "sentences": Wording(
            says={"ask": "calculate {x}", "answer": "answer: {x}"},
            tells={
                "rules": "What is {sum}? There is a calculator, which does one operation on two whole numbers: say 'calculate 12*7', on a line of its own, and you are "
                "told the value. "
                "When you know the result, say 'answer: 84', with your number. You have {turns} turns.",
                "value": "The calculator shows {value}.",
                "right": "That is right.",
                "wrong": "That is wrong.",
                "invalid": "That is neither 'calculate', two whole numbers with +, - or * between them, nor 'answer:' and a whole number.",
            },
        ),
    }

    def check(self) -> None:
        if self.digits < 1 or self.operations < 1 or not self.signs or set(self.signs) - set(_DOES) or self.cost < 0:
            raise InputError(f"{self!r}: digits and operations are 1 or more, signs are some of + - *, and cost is 0 or more")

    def rows(self, count: int, seed: int = 0) -> list[dict[str, Any]]:
        rows = super().rows(count, seed)
        return [{**row, "prompt": self.speech.tell("rules", turns=self.turns, sum=row["sum"])} for row in rows]

    def told_in_rules(self) -> Mapping[str, object]:
        return {"turns": self.turns, "sum": ""}

    def drawn(self, draw: random.Random) -> dict[str, Any]:
        numbers = [str(draw.randrange(10**self.digits)) for _ in range(self.operations + 1)]
        signs = draw.choices(self.signs, k=self.operations)
        parts = [numbers[0]] + [part for pair in zip(signs, numbers[1:], strict=True) for part in pair]
        return {"sum": "".join(parts), "answer": str(_worked_out(tuple(parts)))}

    def start(self, row: Mapping[str, Any]) -> tuple[Sum, str]:
        said = str(row.get("sum", ""))
        parts = tuple(re.findall(r"\d+|[-+*]", said))
        if "".join(parts) != said or not re.fullmatch(r"\d+([-+*]\d+)+", said):
            raise InputError(f"sum={row.get('sum')!r}: a row has a sum of whole numbers with +, - or * between them, such as 12+3*7")
        return parts, str(_worked_out(parts))

    def moves(self, hidden: tuple[Sum, str]) -> list[Action]:
        """Each operation between neighbours, and as an answer each number there is."""
        parts = hidden[0]
        asked = ["".join(parts[k - 1 : k + 2]) for k in range(1, len(parts), 2)]
        return [("ask", text) for text in asked] + [("answer", number) for number in dict.fromkeys(parts[::2])]

    def after(self, hidden: tuple[Sum, str], action: Action) -> Outcome | None:
        kind, about = action
        parts, answer = hidden
        if kind == "answer":
            if not re.fullmatch(r"-?\d{1,40}", about):
                return None
            right = int(about) == int(answer)
            return Outcome(hidden, self.speech.tell("right" if right else "wrong"), float(right), done=True, solved=right)
        found = _ASKED.fullmatch(about)
        if found is None:
            return None
        value = str(_DOES[found[2]](int(found[1]), int(found[3])))
        k = next((k for k in _ready(parts) if found.groups() == parts[k - 1 : k + 2]), None)
        return Outcome((parts if k is None else _put(parts, k, value), answer), self.speech.tell("value", value=value), 0.0 - self.cost)

    def best(self, belief: tuple[Any, ...], left: int) -> Action:
        parts = belief[0][0]
        ready = _ready(parts)
        return ("ask", "".join(parts[ready[0] - 1 : ready[0] + 2])) if ready and left > 1 else ("answer", parts[0])

    @property
    def bounds(self) -> tuple[float, float]:
        return min(self.wasted, -self.cost) * self.turns, 1.0

    @property
    def vocabulary(self) -> str:
        return "0123456789+-*"

    @property
    def longest(self) -> int:
        """Of what the expert can have to say."""
        digits = (self.operations + 1) * self.digits
        return len(self.speech.write(("ask", "-" + "9" * digits + "+" + "9" * self.digits)))


def _ready(parts: Sum) -> list[int]:
    """Where the operations stand that may go first."""
    return [k for k, part in enumerate(parts) if part == "*"] or [1][: len(parts) > 1]


def _put(parts: Sum, k: int, value: str) -> Sum:
    return (*parts[: k - 1], value, *parts[k + 2 :])


def _worked_out(parts: Sum) -> int:
    while ready := _ready(parts):
        k = ready[0]
        parts = _put(parts, k, str(_DOES[parts[k]](int(parts[k - 1]), int(parts[k + 1]))))
    return int(parts[0])
