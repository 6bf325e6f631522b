"""Modular arithmetic: ``3+7*2%11>`` is answered by ``6``.

Sums, differences and products of numbers below the modulus, with the usual precedence; the answer is written with as many digits as
``modulus - 1`` has, so that it is not told by its length. The knobs of difficulty are ``terms`` and ``modulus``.

Source: this project's own; tasks of this kind go back to Power et al., arXiv 2201.02177, whose tables are the case of two terms.
"""

import random
from dataclasses import dataclass

from guerdon.errors import InputError
from guerdon.worlds.text._problems import Problems


@dataclass(frozen=True)
class ModularArithmetic(Problems):
    terms: int = 3
    modulus: int = 97
    operators: str = "+-*"

    def __post_init__(self) -> None:
        if self.modulus < 2 or self.terms < 1 or not self.operators or set(self.operators) - set("+-*"):
            raise InputError(f"{self!r}: modulus must be at least 2, terms at least 1 and operators some of + - *")

    def problem(self, draw: random.Random) -> tuple[str, str]:
        numbers = [draw.randrange(self.modulus) for _ in range(self.terms)]
        signs = [draw.choice(self.operators) for _ in range(self.terms - 1)]
        value = evaluate(numbers, signs) % self.modulus
        written = str(numbers[0]) + "".join(f"{s}{n}" for s, n in zip(signs, numbers[1:], strict=True))
        return f"{written}%{self.modulus}>", str(value).zfill(len(str(self.modulus - 1)))

    @property
    def characters(self) -> str:
        return "0123456789+-*%>"


def evaluate(numbers: list[int], signs: list[str]) -> int:
    """The value of numbers joined by signs; products bind before sums."""
    total, product = 0, numbers[0]
    for sign, number in zip(signs, numbers[1:], strict=True):
        if sign == "*":
            product *= number
        else:
            total, product = total + product, number if sign == "+" else -number
    return total + product
