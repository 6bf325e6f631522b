"""TRL factory: an environment written for the ``environment_factory`` of TRL's GRPOTrainer, unchanged.

    reset(**row) -> None or a text          the text belongs to the end of the prompt's last user message
    public methods, typed and documented    tools; they may be awaited
    get_reward() -> float                   what the episode earned, if there is one

The episode ends with the first turn that calls nothing, or after ``max_turns``. Then ``get_reward`` is asked, and each of ``rewards``, reward functions in TRL's signature that
get this episode alone: prompts, completions, environments and the columns of the row, each a list of one. Their sum is the episode's reward; None counts nothing.

``source`` is the class, or what makes its objects, or where that is ("mine.py:Counter"); ``tools`` are the trainer's ``tools``. A tool's error is told, as there.

Source: trl 1.16, GRPOTrainer (``environment_factory``, ``_calculate_rewards``). Left out: several environments by name in one run (mix tasks in their place), and observations
that are images.
"""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from guerdon.errors import InputError
from guerdon.feedback.loading import load
from guerdon.tasks._awaiting import awaited
from guerdon.tasks.environments import Row, Said, Told
from guerdon.tasks.environments._adapting import made, number
from guerdon.tasks.messages import Message
from guerdon.tasks.toolbox import LONGEST, Toolbox
from guerdon.tasks.tools import ToolSpecification

_OTHERS = ("reset", "get_reward")


@dataclass(frozen=True)
class TRLFactory:
    source: Callable[..., Any] | str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    tools: tuple[ToolSpecification | Callable[..., Any] | str, ...] = ()
    rewards: tuple[Any, ...] = ()
    max_turns: int = 8
    longest: int = LONGEST

    def __post_init__(self) -> None:
        for name in ("tools", "rewards"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        if self.max_turns < 1:
            raise InputError(f"trl_factory needs max_turns of at least 1, not {self.max_turns}")

    def build(self) -> "Running":
        return Running(self)


class Running:
    """An object of the class, used for one episode after another."""

    def __init__(self, told: TRLFactory) -> None:
        self.inner = made(told.source, told.arguments)
        self._name = type(self.inner).__name__
        if not callable(getattr(self.inner, "reset", None)):
            raise InputError(f"the environment {self._name} has no reset, which TRL's environments have")
        methods = [
            name for name, _ in inspect.getmembers(type(self.inner), inspect.isfunction) if name not in _OTHERS and not name.startswith("_")
        ]
        self._box = Toolbox([*told.tools, *(getattr(self.inner, name) for name in methods)], told.longest)
        self._rewards = [load(reward, "reward") if isinstance(reward, str) else reward for reward in told.rewards]
        self._most, self._turns, self._ended = told.max_turns, 0, False
        self._row: Row = {}
        self._said: list[Message] = []

    @property
    def tools(self) -> list[Mapping[str, Any]]:
        return self._box.schemas

    def reset(self, row: Row, seed: int) -> str | None:
        self._row, self._said, self._turns, self._ended = row, [], 0, False
        self._box.reset(row, seed)
        first = awaited(self.inner.reset(**row))
        if first is not None and not isinstance(first, str):
            raise InputError(
                f"reset of {self._name} returned a {type(first).__name__}; a text or None is what a language model can be told"
            )
        return first

    def step(self, said: Said) -> Told:
        self._turns += 1
        calls = [{"type": "function", "function": {"name": call.name, "arguments": dict(call.arguments)}} for call in said.calls]
        self._said.append({"role": "assistant", "content": said.text, **({"tool_calls": calls} if calls else {})})
        told = self._box.told(said.calls) if said.calls else Told()
        self._said += [] if isinstance(told.text, str) else told.text
        if said.calls and self._turns < self._most:
            return told
        return Told(told.text, self.ended(), done=True, truncated=bool(said.calls) or not said.whole, figures=told.figures)

    def ended(self) -> float | None:
        """What the episode earned; once."""
        if self._ended:
            return None
        self._ended = True
        own = [awaited(self.inner.get_reward())] if hasattr(self.inner, "get_reward") else []
        row = {name: [value] for name, value in self._row.items() if name not in ("prompt", "completion", "completions")}
        for reward in self._rewards:
            found = awaited(reward(prompts=[self._row.get("prompt")], completions=[list(self._said)], environments=[self.inner], **row))
            own.append(found[0] if isinstance(found, list) and len(found) == 1 else found)
        values = [value for one in own if (value := number(one, f"a reward of {self._name}")) is not None]
        return sum(values) if values else None

    def close(self) -> None:
        self._box.close()
