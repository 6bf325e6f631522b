"""Environments: what a policy acts in, turn by turn. It says something, is told something, and speaks again, until the episode is over.

    reset(row, seed) -> what is told first          a text or messages, put behind the row's prompt; None: the prompt says it all
    step(said) -> Told                              what follows, what it earned, whether that was the end

One environment is one episode at a time; each sequence that is drawn has its own. What it tells is read and never learned from. An environment that raises or does not answer in
time takes its own sequence out of the batch, and no other (``training.interacting``).

A *specification* is a frozen dataclass whose ``build()`` makes a running environment; files of this room are such, for the interfaces that people have environments in. One that
knows its own problems has ``rows(count, seed) -> list[row]``, and one that is solved ``expert(environment) -> what to say next`` (``worlds.games``).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from guerdon.tasks.calls import Call
from guerdon.tasks.messages import Message

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Said:
    """A turn of the policy.

    Attributes:
        text: what it said, without what ends a turn and, where calls are read, without these.
        calls: of tools, in their order; none where the environment has no tools.
        whole: whether it ended the turn itself; False where it was cut off.
    """

    text: str
    calls: tuple[Call, ...] = ()
    whole: bool = True


@dataclass(frozen=True)
class Told:
    """What an environment answers to a turn.

    Attributes:
        text: what the policy reads next: a text, which is the user's turn in a conversation, or messages (``role`` tool, user or system). Empty only where ``done``.
        reward: what this turn earned; None: nothing is said of it. The sum of what the turns earned is the reward of the episode.
        done: the episode is over.
        truncated: it is over because somebody's limit ended it, and not by the environment's rules; only with ``done``.
        state: what two situations have in common that are the same to the environment; None: it does not say.
        figures: numbers that are logged, as means over episodes, under ``environment/``.
        speaker: who speaks next, where the policy is several agents (self-play, a debate): a number, 0 for who begins.
        others: what this turn earned others than who spoke, by their numbers: a win that is another's loss.
        duration: for how long the world was at work on this turn, in seconds or the environment's own units; None: the seconds that ``step`` took.
    """

    text: str | Sequence[Message] = ""
    reward: float | None = None
    done: bool = False
    truncated: bool = False
    state: str | None = None
    figures: Mapping[str, float] = field(default_factory=dict)
    speaker: int = 0
    others: Mapping[int, float] = field(default_factory=dict)
    duration: float | None = None


class Environment(Protocol):
    """A running environment. ``tools``, where it has some, are JSON schemas as chat templates take them (``{"type": "function", "function": {...}}``).

    ``state()`` and ``restore(state)``, where it has them, say what makes it go on from where it is: by these it is copied where a sequence branches. ``ended()``, where it has
    that, says what an episode earned that is ended from outside (turns are over, the context is full); None where nothing is said of it.
    """

    def reset(self, row: Row, seed: int) -> str | Sequence[Message] | None: ...

    def step(self, said: Said) -> Told: ...

    def close(self) -> None: ...


class EnvironmentSpecification(Protocol):
    def build(self) -> Environment: ...


def short(raw: Any) -> Any:
    """What is meant by the place of a class: ``game.py:Guess``."""
    return {"part": "python_class", "source": raw} if isinstance(raw, str) and ":" in raw else raw
