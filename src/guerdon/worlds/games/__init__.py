"""Games: small worlds of text that are played in many turns, each of which is solved, so that the distance from the optimum is known. The specification is a frozen dataclass, and
``build()`` makes a running environment (``tasks.environments``).

Nothing is drawn while a game is played, unless its file says so: what happens follows from the row, and the seed changes nothing. A turn is the last line of what was said. One
that is no action is told so, earns what a wasted turn earns, and is one of the ``turns``, which are a rule: who has made them all has played the game to its end. What a turn earns
is in ``Told.reward``; the return is their sum. ``Told.state`` is the same where the hidden truth is the same and as much is known of it. ``Told.figures`` ends with ``solved``.

``wording`` is ``terse`` (a few characters, for models of characters) or ``sentences`` (English, rules included, for models of language): the same game in other words.
``observed``, where a game has it, tells the whole situation at every turn, and changes nothing else.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from guerdon.tasks.environments import Environment, Row


class Game(Protocol):
    """A frozen specification.

    Attributes:
        turns: most turns of an episode.
    """

    turns: int

    def build(self) -> Environment: ...

    def rows(self, count: int, seed: int = 0) -> list[Row]:
        """``prompt`` (the rules, as the wording puts them) and what says which episode it is. The first rows of more are the same rows."""
        ...

    def expert(self, environment: Any) -> str:
        """What is best said next in a running environment of this game, by what was told and nothing else."""
        ...

    def actions(self, environment: Any) -> Sequence[str]:
        """Everything that can be said next and is an action: what random play chooses from."""
        ...

    def optimum(self, row: Mapping[str, Any]) -> float:
        """The return of the expert on this row."""
        ...

    @property
    def bounds(self) -> tuple[float, float]:
        """No return is below the first or above the second."""
        ...

    @property
    def characters(self) -> str:
        """Every character that is told or can be said as an action, each once."""
        ...

    @property
    def longest(self) -> int:
        """Characters of the longest action."""
        ...
