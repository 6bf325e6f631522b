"""Wordle: find a word by guessing words; each letter of a guess is marked.

    said       bak
    told       gyb>           right place, elsewhere in the word, not in the word; observed: and the words that are left, gyb>bik bot>
    earns      -1 a turn, 0 for the right word, -2 for what is no word of the list

The list has ``size`` words of ``length`` letters, consonants and vowels in turn, drawn by ``seed``; or it is one's own, ``words``. A letter that is guessed more often than the
word has it is marked as often as the word has it, right places first. Each word is as likely. With up to ``exact`` words left the expert is the optimum over all policies
(``_solved``), with more it guesses what tells most.

Source: LMRL-Gym, arXiv 2311.18232, wordle, and the authors' code (llm_rl_scripts/wordle/env/game.py): -1 until the word is found. Their bad word earns -1 and counts as a try.
Differs from it: the word is drawn at the start and not among those left at each guess, which are the same game; repeated letters are marked as in the original.
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

from guerdon.errors import InputError
from guerdon.randomness import derive
from guerdon.worlds.games._identifying import Identifying
from guerdon.worlds.games._wording import Action, Wording


@dataclass(frozen=True)
class Wordle(Identifying):
    size: int = 16
    length: int = 3
    consonants: str = "bdkmt"
    vowels: str = "aio"
    words: tuple[str, ...] | None = None
    exact: int = 60
    observed: bool = False
    turns: int = 6
    wording: str = "terse"
    seed: int = 0

    wordings: ClassVar[Mapping[str, Wording]] = {
        "terse": Wording(
            says={"guess": "{x}"},
            tells={
                "rules": "word:",
                "left": "{left}>",
                "marks": "{marks}>",
                "mark": "{mark}",
                "apart": "",
                "right": "right",
                "invalid": "?>",
            },
        ),
        "sentences": Wording(
            says={"guess": "guess: {x}"},
            tells={
                "rules": "Find a word of {length} letters, which is one of these: {words}. Say 'guess: ' and one of them, on a line of its own. Each letter is then marked: green "
                "stands in its right place, yellow elsewhere in the word, grey nowhere. You have {turns} guesses.\n",
                "left": " The words left are: {left}.",
                "marks": "{marks}.",
                "mark": "{letter} is {mark}",
                "apart": ", ",
                "right": "That is the word.",
                "invalid": "That is no guess of a word of the list.",
            },
            names={"g": "green", "y": "yellow", "b": "grey"},
            between=", ",
        ),
    }

    def check(self) -> None:
        if not self.consonants or not self.vowels or self.length < 1 or self.size < 1:
            raise InputError(f"{self!r}: words have letters, of each kind one or more, and there is at least one word")
        if self.words is None and self.size > (most := self._spellings):
            raise InputError(
                f"size={self.size}: of {self.length} letters of {self.consonants!r} and {self.vowels!r} there are {most} words; allow more letters"
            )
        if self.words is not None and {len(word) for word in self.words} != {self.length}:
            raise InputError(f"words={self.words}: all have {self.length} letters, as length says")

    @property
    def _spellings(self) -> int:
        return len(self.consonants) ** ((self.length + 1) // 2) * len(self.vowels) ** (self.length // 2)

    @cached_property
    def _list(self) -> list[str]:
        if self.words is not None:
            return sorted(set(self.words))
        draw, found = random.Random(derive(self.seed, "wordle")), set()
        while len(found) < self.size:
            found.add("".join(draw.choice((self.consonants, self.vowels)[place % 2]) for place in range(self.length)))
        return sorted(found)

    def things(self) -> list[str]:
        return self._list

    def questions(self) -> list[Action]:
        return []

    def answer(self, thing: str, action: Action) -> str:
        marks = zip(action[1], marked(action[1], thing), strict=True)
        said = [self.speech.tell("mark", letter=letter, mark=self.speech.name(mark)) for letter, mark in marks]
        return self.speech.tell("marks", marks=self.speech.tell("apart").join(said))

    def told_in_rules(self) -> Mapping[str, object]:
        return {"length": self.length, "words": self.speech.listed(self.things()), "turns": self.turns}

    @property
    def vocabulary(self) -> str:
        return "".join([*self.things(), "gyb0123456789 "])


def marked(guess: str, word: str) -> str:
    """g, y or b for each letter of the guess."""
    left = [w for g, w in zip(guess, word, strict=True) if g != w]
    marks = ""
    for g, w in zip(guess, word, strict=True):
        if g == w:
            marks += "g"
        elif g in left:
            left.remove(g)
            marks += "y"
        else:
            marks += "b"
    return marks
