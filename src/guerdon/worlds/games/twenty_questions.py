"""Twenty questions: which thing is it? Asked are properties, which it has or not; guessed are things.

    said       fur?           a property; cat is a guess
    told       y>             observed: and what it may be by now, y>cat dog>
    earns      -1 a turn, 0 for the right guess, -2 for what is neither

The first ``size`` of sixteen animals with eight properties, or a table of one's own: ``table`` is what each thing has, ``{"ant": ("legs", ...)}``. Each thing is as likely.
States: the sets of things that fit the answers. With up to ``exact`` things left the expert is the optimum, found by trying everything (``_solved``); with more it asks what
tells most.

Source: LMRL-Gym, arXiv 2311.18232, twenty questions, and the authors' code (llm_rl_scripts/twenty_questions/env): -1 for each question until the guess is right, which earns 0.
Differs from it: whoever answers is a table and no language model, so answers are right and the optimum is known.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from guerdon.errors import InputError
from guerdon.worlds.games._identifying import Identifying
from guerdon.worlds.games._wording import Action, Wording

ANIMALS: Mapping[str, tuple[str, ...]] = {
    "cat": ("fur", "meat", "home"),
    "hen": ("eggs", "wing", "farm"),
    "cod": ("eggs", "swim", "meat"),
    "bat": ("fur", "wing", "fly"),
    "cow": ("fur", "farm", "big"),
    "ant": ("eggs",),
    "owl": ("eggs", "wing", "fly", "meat"),
    "dog": ("fur", "meat", "home", "farm"),
    "elk": ("fur", "big"),
    "bee": ("eggs", "wing", "fly", "farm"),
    "orca": ("swim", "meat", "big"),
    "crow": ("eggs", "wing", "fly"),
    "seal": ("fur", "swim", "meat", "big"),
    "goat": ("fur", "farm"),
    "swan": ("eggs", "wing", "fly", "swim"),
    "carp": ("eggs", "swim", "farm"),
}


@dataclass(frozen=True)
class TwentyQuestions(Identifying):
    size: int = 8
    table: Mapping[str, tuple[str, ...]] | None = None  # None: the animals
    exact: int = 10
    observed: bool = False
    turns: int = 12
    wording: str = "terse"

    wordings: ClassVar[Mapping[str, Wording]] = {
        "terse": Wording(
            says={"ask": "{x}?", "guess": "{x}"},
            tells={"rules": "guess:", "left": "{left}>", "yes": "y>", "no": "n>", "right": "right", "invalid": "?>"},
        ),
        "sentences": Wording(
            says={"ask": "is it {x}?", "guess": "it is the {x}"},
            tells={
                "rules": "I am thinking of one of these: {things}. Find out which. You may ask whether it has a property, on a line of its own: 'is it {example}?'. The "
                "properties are: {properties}. When you know what it is, say 'it is the ...'. You have {turns} turns, and fewer are better.\n",
                "left": " It may be one of: {left}.",
                "yes": "Yes.",
                "no": "No.",
                "right": "Yes, that is it.",
                "invalid": "That is neither a question about one of the properties nor a guess of one of the things.",
            },
            names={
                "fur": "furry",
                "meat": "a meat-eater",
                "home": "kept at home",
                "eggs": "hatched from an egg",
                "wing": "winged",
                "farm": "kept on farms",
                "swim": "at home in water",
                "fly": "able to fly",
                "big": "larger than a person",
            },
            between=", ",
        ),
    }

    def check(self) -> None:
        if not 1 <= self.size <= len(self._table):
            raise InputError(f"size={self.size}: the table has {len(self._table)}, of which one or more are asked for")

    @property
    def _table(self) -> Mapping[str, tuple[str, ...]]:
        return ANIMALS if self.table is None else self.table

    def things(self) -> list[str]:
        return list(self._table)[: self.size]

    def properties(self) -> list[str]:
        return list(dict.fromkeys(each for thing in self.things() for each in self._table[thing]))

    def questions(self) -> list[Action]:
        return [("ask", each) for each in self.properties()]

    def answer(self, thing: str, action: Action) -> str:
        return self.speech.tell("yes" if action[0] == "ask" and action[1] in self._table[thing] else "no")

    def told_in_rules(self) -> Mapping[str, object]:
        properties = self.properties() or [""]
        listed = self.speech.listed
        return {
            "things": listed(self.things()),
            "properties": listed(properties),
            "example": self.speech.name(properties[0]),
            "turns": self.turns,
        }

    @property
    def vocabulary(self) -> str:
        return "".join([*self.things(), *self.properties(), "0123456789"])
