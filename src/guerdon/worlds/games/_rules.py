"""Rules: what the games have in common. A game says what its hidden states are and what an action does to one; playing, knowing and counting turns is here.

What was told narrows down which hidden states there may be: the *belief*, a tuple of them, each as likely. An expert reads the belief and the number of turns that are left, and so
knows what a policy can know that remembers everything.
"""

import random
from abc import ABC, abstractmethod
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from guerdon.catalogue import unknown
from guerdon.errors import InputError
from guerdon.randomness import derive
from guerdon.tasks.environments import Row, Said, Told
from guerdon.worlds.games._wording import Action, Wording

Hidden = Hashable


@dataclass(frozen=True)
class Outcome:
    """What an action does: the hidden state after it, what is told, what it earns, whether that is the end, and whether it is a success."""

    hidden: Any
    text: str
    reward: float
    done: bool = False
    solved: bool = False


class Rules(ABC):
    """The base of a game's frozen dataclass, which has the fields ``turns`` and ``wording``."""

    turns: int
    wording: str
    wordings: ClassVar[Mapping[str, Wording]]
    wasted: ClassVar[float] = -1.0  # what a turn earns that is no action

    def __post_init__(self) -> None:
        if self.wording not in self.wordings:
            raise InputError(unknown("wording", self.wording, list(self.wordings)))
        if self.turns < 1:
            raise InputError(f"turns={self.turns}: a game has at least one turn")
        self.check()

    # What a game says

    @abstractmethod
    def check(self) -> None:
        """Raise an InputError where fields do not go together."""

    @abstractmethod
    def drawn(self, draw: random.Random) -> Row:
        """The columns of a row, without the prompt."""

    @abstractmethod
    def start(self, row: Mapping[str, Any]) -> Any:
        """The hidden state that a row's columns say.

        Raises:
            InputError: it says none.
        """

    def first(self, hidden: Any) -> str:
        """What is told before the first turn; nothing where the prompt says it all."""
        return ""

    @abstractmethod
    def moves(self, hidden: Any) -> Sequence[Action]:
        """The actions that there are; the same for all of a belief."""

    @abstractmethod
    def after(self, hidden: Any, action: Action) -> Outcome | None:
        """What an action does; None where there is no such action."""

    @abstractmethod
    def best(self, belief: tuple[Any, ...], left: int) -> Action:
        """The expert's action with ``left`` turns to go."""

    def believed(self, hidden: Any) -> tuple[Any, ...]:
        """The hidden states that rows may start from and of which the same is told first."""
        return (hidden,)

    def known(self, belief: tuple[Any, ...]) -> str:
        """What is told besides, of what may be true."""
        return ""

    @property
    @abstractmethod
    def bounds(self) -> tuple[float, float]: ...

    @property
    def vocabulary(self) -> str:
        """Characters that are in no template."""
        return ""

    @property
    @abstractmethod
    def longest(self) -> int: ...

    # What follows

    @property
    def speech(self) -> Wording:
        return self.wordings[self.wording]

    @property
    def characters(self) -> str:
        return "".join(sorted(self.speech.characters | set(self.vocabulary)))

    def build(self) -> "Play":
        return Play(self)

    def rows(self, count: int, seed: int = 0) -> list[Row]:
        draws = (random.Random(derive(seed, "rows", type(self).__name__, index)) for index in range(count))
        return [{"prompt": self.speech.tell("rules", **self.told_in_rules()), **self.drawn(draw)} for draw in draws]

    def told_in_rules(self) -> Mapping[str, object]:
        """What the rules' template may name."""
        return {"turns": self.turns}

    def expert(self, environment: "Play") -> str:
        return self.speech.write(self.best(environment.belief, self.turns - environment.turn))

    def actions(self, environment: "Play") -> list[str]:
        return [self.speech.write(action) for action in self.moves(environment.hidden)]

    def optimum(self, row: Mapping[str, Any]) -> float:
        play, total = self.build(), 0.0
        play.reset(row, 0)
        while not play.over:
            total += play.step(Said(self.expert(play))).reward or 0.0
        return total


class Play:
    """A game that is being played.

    Attributes:
        hidden: the truth.
        belief: what the truth may be, by what was told.
        turn: how many turns were made.
        over: whether the episode has ended.
    """

    def __init__(self, rules: Rules):
        self.rules = rules
        self.hidden: Any = None
        self.belief: tuple[Any, ...] = ()
        self.turn, self.over = 0, True

    def reset(self, row: Row, seed: int) -> str | None:
        self.hidden = self.rules.start(row)
        self.belief = self.rules.believed(self.hidden)
        self.turn, self.over = 0, False
        return (self.rules.first(self.hidden) + self.rules.known(self.belief)).strip() or None

    def step(self, said: Said) -> Told:
        if self.over:
            raise InputError("the episode is over; reset the environment before the next turn")
        action = self.rules.speech.read(said.text)
        outcome = self.rules.after(self.hidden, action) if action else None
        if outcome is None:
            outcome = Outcome(self.hidden, self.rules.speech.tell("invalid"), self.rules.wasted)
        else:
            self.belief = after_all(self.rules, self.belief, action, outcome)
            self.hidden = outcome.hidden
        self.turn += 1
        self.over = outcome.done or self.turn >= self.rules.turns
        known = "" if self.over else self.rules.known(self.belief)
        figures = {"solved": float(outcome.solved)} if self.over else {}
        return Told(outcome.text + known, float(outcome.reward), done=self.over, state=self._situation(), figures=figures)

    def close(self) -> None:
        pass

    def state(self) -> dict[str, Any]:
        return {"hidden": self.hidden, "belief": self.belief, "turn": self.turn, "over": self.over}

    def restore(self, state: Mapping[str, Any]) -> None:
        self.hidden, self.belief, self.turn, self.over = state["hidden"], state["belief"], state["turn"], state["over"]

    def _situation(self) -> str:
        known = f" of {derive(0, *map(repr, sorted(self.belief))):x}" if len(self.belief) > 1 else ""
        return f"{self.hidden}{known}"


def after_all(rules: Rules, belief: tuple[Any, ...], action: Action | None, told: Outcome) -> tuple[Any, ...]:
    """What may be true after an action, when this was told."""
    if len(belief) == 1 or action is None:
        return (told.hidden,)
    found = (rules.after(hidden, action) for hidden in belief)
    return tuple(sorted(o.hidden for o in found if o is not None and (o.text, o.done) == (told.text, told.done)))
