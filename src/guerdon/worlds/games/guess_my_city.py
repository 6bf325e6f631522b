"""Guess my city: where does somebody live? Asked is what a city is like, which is answered with a word; guessed are cities, of a made-up atlas.

    said       land?          an attribute; nolbi is a guess
    told       ora>           observed: and the cities that fit, ora>nolbi tesra>
    earns      -1 a turn, 0 for the right city, -2 for what is neither

The atlas has ``size`` cities with invented names, no two alike in all of land, sea, size and food, drawn by ``seed``; it is the same in every episode, and no language model
knows it from elsewhere. In ``sentences`` it is printed in the rules. Each city is as likely. With up to ``exact`` cities left the expert is the optimum over all policies
(``_solved``), with more it asks what tells most.

Source: LMRL-Gym, arXiv 2311.18232, guess my city: as twenty questions, with questions that are not answered by yes or no, and -1 for each until the city is found.
Differs from TwentyQuestions: an answer has more than two values. Differs from LMRL-Gym: whoever answers is the atlas and no language model.
"""

import itertools
import random
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

from guerdon.errors import InputError
from guerdon.randomness import derive
from guerdon.worlds.games._identifying import Identifying
from guerdon.worlds.games._wording import Action, Wording

ATTRIBUTES: Mapping[str, tuple[str, ...]] = {
    "land": ("ora", "upi", "zem", "ket"),
    "sea": ("yes", "no"),
    "size": ("big", "mid", "tiny"),
    "food": ("fish", "figs", "rice"),
}


@dataclass(frozen=True)
class GuessMyCity(Identifying):
    size: int = 10
    exact: int = 10
    observed: bool = False
    turns: int = 8
    wording: str = "terse"
    seed: int = 0

    wordings: ClassVar[Mapping[str, Wording]] = {
        "terse": Wording(
            says={"ask": "{x}?", "guess": "{x}"},
            tells={"rules": "city:", "left": "{left}>", "right": "right", "wrong": "no>", "invalid": "?>", "entry": ""}
            | dict.fromkeys(ATTRIBUTES, "{value}>"),
        ),
        "sentences": Wording(
            says={"ask": "what about {x}?", "guess": "you live in {x}"},
            tells={
                "rules": "I live in a city of this atlas. {atlas} Find out which. You may ask, on a line of its own: 'what about the land?', 'what about the sea?', 'what "
                "about the "
                "size?', 'what about the food?'. When you know it, say 'you live in ...'. You have {turns} turns, and fewer are better.\n",
                "entry": "{name}: land {land}, sea {sea}, size {size}, food {food}.",
                "left": " The cities that fit are: {left}.",
                "land": "My city is in {value}.",
                "sea": "By the sea? {value}.",
                "size": "It is a {value} city.",
                "food": "People there eat {value}.",
                "right": "Yes, I live there.",
                "wrong": "No, I do not live there.",
                "invalid": "I can only tell you about the land, the sea, the size and the food, or say whether you guessed right.",
            },
            names={name: f"the {name}" for name in ATTRIBUTES},
            between=", ",
        ),
    }

    def check(self) -> None:
        most = len(list(itertools.product(*ATTRIBUTES.values())))
        if not 1 <= self.size <= most:
            raise InputError(f"size={self.size}: an atlas has from 1 to {most} cities, or two would be alike")

    @cached_property
    def atlas(self) -> dict[str, dict[str, str]]:
        """What each city is like."""
        draw, names = random.Random(derive(self.seed, "atlas")), set()
        while len(names) < self.size:
            names.add("".join(draw.choice(letters) for letters in ("nltkrm", "oeai", "lnrs", "btdk", "aiu")))
        kinds = draw.sample(list(itertools.product(*ATTRIBUTES.values())), self.size)
        return {name: dict(zip(ATTRIBUTES, kind, strict=True)) for name, kind in zip(sorted(names), kinds, strict=True)}

    def things(self) -> list[str]:
        return list(self.atlas)

    def questions(self) -> list[Action]:
        return [("ask", name) for name in ATTRIBUTES]

    def answer(self, thing: str, action: Action) -> str:
        kind, about = action
        return self.speech.tell(about, value=self.atlas[thing][about]) if kind == "ask" else self.speech.tell("wrong")

    def told_in_rules(self) -> Mapping[str, object]:
        entries = (self.speech.tell("entry", name=name, **kind) for name, kind in self.atlas.items())
        return {"atlas": " ".join(entries), "turns": self.turns}

    @property
    def vocabulary(self) -> str:
        return "".join([*self.atlas, *ATTRIBUTES, *itertools.chain(*ATTRIBUTES.values()), "0123456789"])
