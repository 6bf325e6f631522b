"""With tools: a task whose policy may call tools before it answers.

    prompt → call → result → call → result → answer

A turn that calls is told the results; one without a call is the answer, and ends the episode. The rows are those of a task, and what the answer is worth is for reward functions
to say. After ``max_turns`` turns, or before where a turn was cut off, the episode is truncated.

Source: ReAct, arXiv 2210.03629, with calls in the model's own format; 8 turns are ours.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from guerdon.errors import InputError
from guerdon.tasks.environments import Row, Said, Told
from guerdon.tasks.toolbox import LONGEST, Toolbox
from guerdon.tasks.tools import ToolSpecification


@dataclass(frozen=True)
class WithTools:
    tools: tuple[ToolSpecification | Callable[..., Any] | str, ...]
    max_turns: int = 8
    longest: int = LONGEST

    def __post_init__(self) -> None:
        object.__setattr__(self, "tools", tuple(self.tools) if not isinstance(self.tools, str) else (self.tools,))
        if not self.tools or self.max_turns < 1:
            raise InputError(f"with_tools needs a tool and max_turns of at least 1, not {len(self.tools)} and {self.max_turns}")

    def build(self) -> "Running":
        return Running(self)


class Running:
    def __init__(self, told: WithTools) -> None:
        self._most = told.max_turns
        self._box = Toolbox(told.tools, told.longest)
        self._turns = 0

    @property
    def tools(self) -> list[Mapping[str, Any]]:
        return self._box.schemas

    def reset(self, row: Row, seed: int) -> None:
        self._turns = 0
        self._box.reset(row, seed)

    def step(self, said: Said) -> Told:
        self._turns += 1
        if not said.calls:
            return Told(done=True, truncated=not said.whole)
        if self._turns >= self._most:
            return Told(done=True, truncated=True)
        return self._box.told(said.calls)

    def state(self) -> Any:
        return {"turns": self._turns, "tools": self._box.state()}

    def restore(self, state: Any) -> None:
        self._turns = state["turns"]
        self._box.restore(state["tools"])

    def close(self) -> None:
        self._box.close()
