"""Reverse letters: ``a7bc12>`` is answered by ``cba``: digits are distractors and are left out.

The knobs of difficulty are ``length``, how many letters there are, and ``distractors``, how many digits are strewn among them.

Source: this project's own demonstration task.
"""

import random
from dataclasses import dataclass

from guerdon.worlds.text._problems import Problems


@dataclass(frozen=True)
class ReverseLetters(Problems):
    length: int = 8
    distractors: int = 4
    alphabet: str = "abcdefghijklmnopqrst"

    def problem(self, draw: random.Random) -> tuple[str, str]:
        letters = draw.choices(self.alphabet, k=self.length)
        digits = set(draw.sample(range(self.length + self.distractors), self.distractors))
        rest = iter(letters)
        written = [draw.choice("0123456789") if i in digits else next(rest) for i in range(self.length + self.distractors)]
        return "".join(written) + ">", "".join(reversed(letters))

    @property
    def characters(self) -> str:
        return self.alphabet + "0123456789>"
