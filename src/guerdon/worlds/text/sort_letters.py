"""Sort letters: ``cab>`` is answered by ``abc``.

The knob of difficulty is ``length``. Letters may repeat.

Source: this project's own demonstration task; ten letters of twenty were seen to be learnable by a model of half a million parameters
in under two minutes of two cores, while being far from solved by a few hundred demonstrations.
"""

import random
from dataclasses import dataclass

from guerdon.worlds.text._problems import Problems


@dataclass(frozen=True)
class SortLetters(Problems):
    length: int = 10
    alphabet: str = "abcdefghijklmnopqrst"

    def problem(self, draw: random.Random) -> tuple[str, str]:
        letters = draw.choices(self.alphabet, k=self.length)
        return "".join(letters) + ">", "".join(sorted(letters))

    @property
    def characters(self) -> str:
        return self.alphabet + ">"
