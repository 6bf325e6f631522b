"""Count letters: ``abcaab?a>`` is answered by ``03``: how often the letter after the question mark occurs.

The knobs of difficulty are ``length`` and the size of ``alphabet``. The answer is written with as many digits as ``length`` has. The count asked for is
drawn first, evenly from 0 to ``length``, so that no answer is much likelier than another.

Source: this project's own demonstration task.
"""

import random
from dataclasses import dataclass

from guerdon.worlds.text._problems import Problems


@dataclass(frozen=True)
class CountLetters(Problems):
    length: int = 12
    alphabet: str = "abcdefgh"

    def problem(self, draw: random.Random) -> tuple[str, str]:
        asked, count = draw.choice(self.alphabet), draw.randint(0, self.length)
        others = draw.choices([letter for letter in self.alphabet if letter != asked], k=self.length - count)
        letters = [asked] * count + others
        draw.shuffle(letters)
        return "".join(letters) + f"?{asked}>", str(count).zfill(len(str(self.length)))

    @property
    def characters(self) -> str:
        return self.alphabet + "0123456789?>"
