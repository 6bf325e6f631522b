"""Python class: an environment of one's own, in twenty lines.

    class Guess:
        def reset(self, seed):
            self.number = seed % 100
            return "I think of a number below 100."

        def step(self, text):
            right = text.strip() == str(self.number)
            return "Right." if right else "No.", float(right), right

``reset`` asks by name for what it wants: the ``row``, the ``seed``, columns of the row. It returns what is told first, or None. ``step`` is given the text of the turn, or the
whole turn where its parameter is called ``said`` (``Said``), and returns a text, (text, reward, done), a mapping with these names, or ``Told``. Both may be awaited. What else
there may be:

    tools       a list: names of methods, typed functions, parts of ``guerdon.tasks.tools``; a turn that calls them is not stepped. A tool that returns ``Told`` earns and ends
    rows        ``rows(count, seed) -> list of rows``, of the class itself: the problems that the environment knows
    state, restore     what makes it go on from where it is, where sequences branch
    close

``source`` is the class, or where it is ("game.py:Guess"); ``arguments`` are those that it is made with; ``tools`` come beside its own.

Source: ours; reset and step as in Gymnasium, tools as in TRL's environments.
"""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from guerdon.errors import InputError
from guerdon.feedback.loading import load
from guerdon.tasks._awaiting import awaited
from guerdon.tasks.environments import Row, Said, Told
from guerdon.tasks.environments._adapting import asked, made, named, read
from guerdon.tasks.messages import Message, is_conversational
from guerdon.tasks.toolbox import LONGEST, Toolbox
from guerdon.tasks.tools import ToolSpecification


@dataclass(frozen=True)
class PythonClass:
    source: Callable[..., Any] | str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    tools: tuple[ToolSpecification | Callable[..., Any] | str, ...] = ()
    longest: int = LONGEST

    def build(self) -> "Running":
        return Running(self)

    def rows(self, count: int, seed: int) -> list[Row]:
        """The rows of the class.

        Raises:
            InputError: it makes none.
        """
        found = load(self.source, "environment") if isinstance(self.source, str) else self.source
        if not hasattr(found, "rows"):
            raise InputError(
                f"the environment {named(found)} makes no rows; give it a static method rows(count, seed), or the task rows of a file"
            )
        return list(found.rows(count, seed))


class Running:
    """An object of the class, with its tools."""

    def __init__(self, told: PythonClass) -> None:
        self.inner = made(told.source, told.arguments)
        self._name = type(self.inner).__name__
        for method in ("reset", "step"):
            if not callable(getattr(self.inner, method, None)):
                raise InputError(
                    f"the environment {self._name} has no method {method}; it needs reset and step, or use with_tools where there is nothing to step"
                )
        parameters = list(inspect.signature(self.inner.step).parameters.values())
        if not parameters:
            raise InputError(f"step of {self._name} takes nothing; write step(self, text), or step(self, said)")
        self._whole = parameters[0].name == "said"
        self._box = Toolbox([*map(self._own, getattr(self.inner, "tools", ())), *told.tools], told.longest)

    def _own(self, tool: Any) -> Any:
        if isinstance(tool, str) and ":" not in tool:
            if not callable(getattr(self.inner, tool, None)):
                raise InputError(f"the environment {self._name} lists the tool {tool!r} and has no method of that name")
            return getattr(self.inner, tool)
        own = inspect.isfunction(tool) and getattr(type(self.inner), tool.__name__, None) is tool
        return getattr(self.inner, tool.__name__) if own else tool  # a function of the class's body has to be told of the object

    @property
    def tools(self) -> list[Mapping[str, Any]]:
        return self._box.schemas

    def reset(self, row: Row, seed: int) -> str | Sequence[Message] | None:
        self._box.reset(row, seed)
        first = asked(self.inner.reset, row, seed, f"reset of {self._name}")
        if first is not None and not isinstance(first, str) and not is_conversational(first):
            raise InputError(
                f"reset of {self._name} returned {str(first)[:60]!r}; return a text, messages, or None where the row's prompt says it all"
            )
        return first or None

    def step(self, said: Said) -> Told:
        if said.calls:
            return self._box.told(said.calls)
        return read(awaited(self.inner.step(said if self._whole else said.text)), f"step of {self._name}")

    def state(self) -> Any:
        if not (hasattr(self.inner, "state") and hasattr(self.inner, "restore")):
            raise InputError(
                f"the environment {self._name} cannot be copied where a sequence branches; give it state() and restore(state), or sample without branches"
            )
        return {"inner": self.inner.state(), "tools": self._box.state()}

    def restore(self, state: Any) -> None:
        self.inner.restore(state["inner"])
        self._box.restore(state["tools"])

    def close(self) -> None:
        self._box.close()
        if hasattr(self.inner, "close"):
            awaited(self.inner.close())
