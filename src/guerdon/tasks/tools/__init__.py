"""Tools: what a policy may call. A tool is a frozen specification; ``build()`` gives what runs, mostly one tool.

    schema                             what the policy is told of it: {"type": "function", "function": {"name", "description", "parameters"}}
    tool(**arguments) -> result        the arguments as the schema has them; a text, or what is written as JSON
    reset(row, seed)                   a new episode begins
    close()                            nobody calls it any more

What runs belongs to one environment, hence to one episode at a time. What the model did wrong is raised as ``Mistaken``: a sentence that it is told in the place of a result.
Whatever else a tool raises is told by its type and message, without a trace. A tool bounds its own time. One with ``state()`` and ``restore(state)`` can be copied where a
sequence branches.

No tool sees the environment of this process, and none is handed a reward: what a model writes is run in the sandbox of the code rewards.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol


class Mistaken(Exception):
    """What the model can mend, in a sentence that it is told."""


class Tool(Protocol):
    schema: Mapping[str, Any]

    def __call__(self, **arguments: Any) -> Any: ...

    def reset(self, row: Mapping[str, Any], seed: int) -> None: ...

    def close(self) -> None: ...


class ToolSpecification(Protocol):
    def build(self) -> Sequence[Tool]: ...


def short(raw: Any) -> Any:
    """What a configuration writes for short: the name of a tool, or where a function of one's own is ("tools.py:weather")."""
    return raw if not isinstance(raw, str) else {"part": "function", "function": raw} if ":" in raw else {"part": raw}


@dataclass
class Stateless:
    """A running tool that is a function and remembers nothing."""

    schema: Mapping[str, Any]
    function: Any

    def __call__(self, **arguments: Any) -> Any:
        return self.function(**arguments)

    def reset(self, row: Mapping[str, Any], seed: int) -> None:
        pass

    def close(self) -> None:
        pass
