"""Toolbox: the tools of an environment, and what a policy is told of its calls.

A call is read already (``tasks.calls``); here its tool is found, its arguments are checked against the schema, and the tool is called. What goes wrong is told in the place of
the result and begins with
"error:". Results are texts; what is no text is written as JSON. One that is longer than ``longest`` characters is cut in its middle, and says so.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from guerdon.catalogue import near_names
from guerdon.errors import InputError
from guerdon.tasks.calls import Call
from guerdon.tasks.environments import Told
from guerdon.tasks.schemas import checked
from guerdon.tasks.tools import Mistaken, Tool
from guerdon.tasks.tools.function import Function

LONGEST = 4000
ERROR = "error: "


@dataclass(frozen=True)
class Answer:
    """What a call came to.

    Attributes:
        converted: how many of its arguments were taken for something else than they were written as.
        told: what a tool of an environment says of the episode; most say nothing.
    """

    text: str
    failed: bool = False
    converted: int = 0
    told: Told | None = None


class Toolbox:
    """Running tools.

    Args:
        tools: specifications, or typed functions, or where these are ("tools.py:weather").

    Raises:
        InputError: one of them is none, or two have one name.
    """

    def __init__(self, tools: Sequence[Any], longest: int = LONGEST) -> None:
        self._longest = longest
        self._tools: dict[str, Tool] = {}
        for given in tools:
            for tool in specified(given).build():
                name = tool.schema["function"]["name"]
                if name in self._tools:
                    raise InputError(f"two tools have the name {name!r}; give one of them another")
                self._tools[name] = tool

    @property
    def schemas(self) -> list[Mapping[str, Any]]:
        return [tool.schema for tool in self._tools.values()]

    def reset(self, row: Mapping[str, Any], seed: int) -> None:
        for tool in self._tools.values():
            tool.reset(row, seed)

    def close(self) -> None:
        for tool in self._tools.values():
            tool.close()

    def state(self) -> dict[str, Any]:
        """What makes the tools go on from where they are.

        Raises:
            InputError: one of them cannot say.
        """
        return {name: tool.state() for name, tool in self._tools.items() if _remembers(name, tool)}

    def restore(self, state: Mapping[str, Any]) -> None:
        for name, own in state.items():
            self._tools[name].restore(own)

    def answer(self, call: Call) -> Answer:
        """What the policy is told of a call."""
        if call.error:
            return Answer(f"{ERROR}{call.error}", failed=True)
        tool = self._tools.get(call.name)
        if tool is None:
            near = near_names(call.name, list(self._tools))
            offered = f"did you mean {near[0]}?" if near else f"there are {', '.join(self._tools)}" if self._tools else "there are none"
            return Answer(f"{ERROR}there is no tool {call.name!r}: {offered}", failed=True)
        found = checked(call.arguments, tool.schema)
        if found.error:
            return Answer(f"{ERROR}{found.error}", failed=True)
        try:
            result = tool(**found.arguments)
            own = result if isinstance(result, Told) else None
            text = written(result if own is None else own.text)
        except Mistaken as error:
            return Answer(cut(f"{ERROR}{error}", self._longest), failed=True, converted=len(found.converted))
        except InputError:
            raise
        except Exception as error:  # a tool of the user's: the episode goes on, and the policy reads what it came to
            return Answer(cut(f"{ERROR}{type(error).__name__}: {error}", self._longest), failed=True, converted=len(found.converted))
        said = [cut(text, self._longest), *(f"({sentence})" for sentence in found.converted)]
        return Answer("\n".join(said), converted=len(found.converted), told=own)

    def told(self, calls: Sequence[Call]) -> Told:
        """The results of a turn's calls as messages of the role tool, with what is counted of them."""
        answers = [self.answer(call) for call in calls]
        messages = [
            {"role": "tool", "name": call.name or "unknown", **({"tool_call_id": call.id} if call.id else {}), "content": answer.text}
            for call, answer in zip(calls, answers, strict=True)
        ]
        own = [answer.told for answer in answers if answer.told is not None]
        rewards = [told.reward for told in own if told.reward is not None]
        return Told(
            messages,
            sum(rewards) if rewards else None,
            done=any(told.done for told in own),
            truncated=any(told.truncated for told in own),
            figures={
                "failed_calls": float(sum(answer.failed for answer in answers)),
                "converted_arguments": float(sum(answer.converted for answer in answers)),
                **{name: value for told in own for name, value in told.figures.items()},
            },
        )


def specified(tool: Any) -> Any:
    """The specification of what is given as a tool."""
    if hasattr(tool, "build") and not isinstance(tool, type):
        return tool
    if isinstance(tool, str) or (callable(tool) and not isinstance(tool, type)):
        return Function(tool)
    raise InputError(f"a tool is a part of guerdon.tasks.tools, a typed function, or 'file.py:function', not {str(tool)[:60]}")


def written(value: Any) -> str:
    """A result as a text."""
    if not isinstance(value, str):
        try:
            value = "" if value is None else json.dumps(value, ensure_ascii=False)
        except (TypeError, ValueError):
            value = str(value)
    return value.encode("utf-8", "replace").decode() if value.strip() else "(nothing)"


def cut(text: str, longest: int) -> str:
    """The text, without its middle where it is too long."""
    if len(text) <= longest:
        return text
    half = longest // 2
    return f"{text[:half]}\n... ({len(text) - 2 * half} characters left out) ...\n{text[len(text) - half :]}"


def _remembers(name: str, tool: Tool) -> bool:
    from guerdon.tasks.tools import Stateless

    if not (hasattr(tool, "state") and hasattr(tool, "restore")) and not isinstance(tool, Stateless):
        raise InputError(f"the tool {name} cannot be copied where a sequence branches: it does not say its state; sample without branches")
    return not isinstance(tool, Stateless)
