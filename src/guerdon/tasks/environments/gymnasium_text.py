"""Gymnasium text: an environment of Gymnasium whose observations and actions are texts (``gymnasium.spaces.Text``).

    observation, info = reset(seed=seed)
    observation, reward, terminated, truncated, info = step(text)

A turn without the white space around it is the action. One that is not in the space of actions (too long, letters that it has not) is not stepped: it is told so, and counted.
What ended by the environment's rules is done, and what its limit of steps ended is truncated; the two are told apart.

``source`` is the name under which it is registered ("package:Game-v0"), or what makes it ("game.py:make", a class); ``arguments`` are those that it is made with. A column
``options`` of the row, where there is one, is handed to reset.

Source: Gymnasium, https://gymnasium.farama.org (the extra ``gymnasium``).
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from guerdon.errors import InputError
from guerdon.tasks.environments import Row, Said, Told
from guerdon.tasks.environments._adapting import made, number

_REGISTERED = re.compile(r"[\w:.\-/]+-v\d+")
_SEEDS = 2**31  # of which Gymnasium takes one


@dataclass(frozen=True)
class GymnasiumText:
    source: Callable[..., Any] | str
    arguments: Mapping[str, Any] = field(default_factory=dict)

    def build(self) -> "Running":
        try:
            import gymnasium
        except ImportError as error:
            raise InputError("environments of Gymnasium need the package gymnasium: pip install 'guerdon[gymnasium]'") from error
        if not (isinstance(self.source, str) and _REGISTERED.fullmatch(self.source)):
            return Running(made(self.source, self.arguments))
        try:
            return Running(gymnasium.make(self.source, **self.arguments))
        except (gymnasium.error.Error, ImportError) as error:
            raise InputError(f"Gymnasium makes no environment {self.source!r}: {error}") from error


class Running:
    def __init__(self, inner: Any) -> None:
        from gymnasium.spaces import Text

        self.inner = inner
        for what in ("observation", "action"):
            space = getattr(inner, f"{what}_space", None)
            if not isinstance(space, Text):
                raise InputError(
                    f"the {what}s of {inner} are {space}, and a language model reads and says texts; give it {what}s in gymnasium.spaces.Text"
                )

    def reset(self, row: Row, seed: int) -> str:
        options = {"options": dict(row["options"])} if isinstance(row.get("options"), Mapping) else {}
        observation, _ = self.inner.reset(seed=seed % _SEEDS, **options)
        return str(observation)

    def step(self, said: Said) -> Told:
        action = said.text.strip()
        space = self.inner.action_space
        if not space.contains(action):
            odd = sorted({letter for letter in action if letter not in space.character_set})
            why = (
                f"it may not hold {odd[0]!r}"
                if odd
                else f"it has {len(action)} letters, and may have {space.min_length} to {space.max_length}"
            )
            return Told(f"error: this cannot be said here: {why}", figures={"outside": 1.0})
        observation, reward, terminated, truncated, _ = self.inner.step(action)
        return Told(
            str(observation),
            number(reward, f"step of {self.inner}"),
            done=bool(terminated or truncated),
            truncated=bool(truncated and not terminated),
            figures={"outside": 0.0},
        )

    def close(self) -> None:
        self.inner.close()
