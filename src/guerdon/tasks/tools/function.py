"""Function: a typed function of one's own as a tool.

    def weather(city: str) -> str:
        \"\"\"Says how the weather is.

        Args:
            city: Where.
        \"\"\"

``function`` is the function, or where it is ("tools.py:weather", "package.module:weather"). Its types and its docstring are what the policy reads of it. What it raises is told
to the policy by type and message; ``guerdon.tasks.tools.Mistaken`` by its message alone. One that takes longer than ``seconds`` is told so and left behind in its thread, for
nothing can stop it: bound what it waits for. The function runs in this process: it is the user's own code, and what a model writes does not belong into it unless the function
hands it to a sandbox.

Source: ours, in the manner of the ``tools`` of TRL and of chat templates.
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from guerdon.errors import InputError
from guerdon.feedback.loading import load
from guerdon.tasks._awaiting import awaited
from guerdon.tasks.schemas import schema_of
from guerdon.tasks.tools import Mistaken, Stateless
from guerdon.threads import beside


@dataclass(frozen=True)
class Function:
    function: Callable[..., Any] | str
    name: str | None = None
    seconds: float = 30.0

    def __post_init__(self) -> None:
        if self.seconds <= 0:
            raise InputError(f"a tool has to be given seconds > 0, not {self.seconds:g}")

    def build(self) -> tuple[Stateless]:
        found = load(self.function, "tool") if isinstance(self.function, str) else self.function
        if inspect.isclass(found):
            raise InputError(f"the tool {found.__name__} is a class; give a function, or a method of one of its objects")
        return (Stateless(schema_of(found, self.name), bounded(found, self.seconds)),)


def bounded(function: Callable[..., Any], seconds: float) -> Callable[..., Any]:
    """The function, which is left behind after ``seconds``; one that is awaited is."""

    def called(**arguments: Any) -> Any:
        running = beside("guerdon-tool", _awaited, function, arguments)
        try:
            return running.result(seconds)
        except TimeoutError:
            if running.done():
                raise
            raise Mistaken(f"it took longer than {seconds:g} s") from None

    return called


def _awaited(function: Callable[..., Any], arguments: dict[str, Any]) -> Any:
    return awaited(function(**arguments))
