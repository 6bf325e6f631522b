"""Criteria that an answer of ``checked_answers`` meets or not. Each can be checked in the text, said in words, and minded by who writes.

met(asked, text) -> bool                    ``text``: letters and perhaps the mark; one without letters meets none
mind(asked, text, draw) -> text             a text that meets it, and meets what comes before it in ``CRITERIA`` as it did
"""

import random
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Asked:
    """What a prompt asks about: the letter to mention, the one to avoid; and what answers are written with."""

    topic: str
    taboo: str
    letters: str
    mark: str

    def others(self, used: str = "") -> list[str]:
        """Letters that are neither the one to avoid nor used."""
        return [letter for letter in self.letters if letter != self.taboo and letter not in used]


class Criterion(Protocol):
    """``code`` stands for it in a prompt; ``weight`` is what it counts."""

    code: str
    weight: float

    def met(self, asked: Asked, text: str) -> bool: ...

    def mind(self, asked: Asked, text: str, draw: random.Random) -> str: ...

    def words(self, asked: Asked) -> str: ...


@dataclass(frozen=True)
class Fits:
    """Neither too short nor too long; the mark is not counted."""

    least: int = 4
    most: int = 6
    weight: float = 1.0
    code: str = "F"

    def met(self, asked: Asked, text: str) -> bool:
        return self.least <= len(text.replace(asked.mark, "")) <= self.most

    def mind(self, asked: Asked, text: str, draw: random.Random) -> str:
        return text[: self.most] + "".join(draw.choices(asked.others(), k=max(self.least - len(text), 0)))

    def words(self, asked: Asked) -> str:
        return f"It has {self.least} to {self.most} letters."


@dataclass(frozen=True)
class Avoids:
    weight: float = 1.0
    code: str = "A"

    def met(self, asked: Asked, text: str) -> bool:
        return asked.taboo not in text

    def mind(self, asked: Asked, text: str, draw: random.Random) -> str:
        return "".join(draw.choice(asked.others()) if letter == asked.taboo else letter for letter in text)

    def words(self, asked: Asked) -> str:
        return f"It does not have the letter {asked.taboo}."


@dataclass(frozen=True)
class Distinct:
    """No letter occurs twice."""

    weight: float = 1.0
    code: str = "D"

    def met(self, asked: Asked, text: str) -> bool:
        return all(text.count(letter) <= 1 for letter in asked.letters)

    def mind(self, asked: Asked, text: str, draw: random.Random) -> str:
        kept = ""
        for letter in text:
            left = asked.others(kept + text)
            kept += letter if letter not in kept else draw.choice(left) if left else ""
        return kept

    def words(self, asked: Asked) -> str:
        return "No letter occurs twice."


@dataclass(frozen=True)
class Mentions:
    weight: float = 1.0
    code: str = "M"

    def met(self, asked: Asked, text: str) -> bool:
        return asked.topic in text

    def mind(self, asked: Asked, text: str, draw: random.Random) -> str:
        place = draw.randrange(max(len(text), 1))
        return text if asked.topic in text else text[:place] + asked.topic + text[place + 1 :]

    def words(self, asked: Asked) -> str:
        return f"It has the letter {asked.topic}."


@dataclass(frozen=True)
class Ordered:
    """Letters ascend; the same one may be repeated."""

    weight: float = 1.0
    code: str = "O"

    def met(self, asked: Asked, text: str) -> bool:
        letters = text.replace(asked.mark, "")
        return letters == "".join(sorted(letters))

    def mind(self, asked: Asked, text: str, draw: random.Random) -> str:
        return "".join(sorted(text))

    def words(self, asked: Asked) -> str:
        return "Its letters are in alphabetical order."


@dataclass(frozen=True)
class Ends:
    """It ends with the mark."""

    weight: float = 1.0
    code: str = "E"

    def met(self, asked: Asked, text: str) -> bool:
        return text.endswith(asked.mark)

    def mind(self, asked: Asked, text: str, draw: random.Random) -> str:
        return text + asked.mark

    def words(self, asked: Asked) -> str:
        return f"It ends with {asked.mark!r}."


CRITERIA: tuple[Criterion, ...] = (Fits(), Avoids(), Distinct(), Mentions(), Ordered(), Ends())
