"""Tool calls: how far the calls of a completion are those that were wanted, by tools, names of arguments, and values.

    S = J(tools wanted, tools called) + sum over wanted calls c of  max over calls d of c's tool, each used once, of  J(names of c, names of d) + |{a: c[a] = d[a]}|
    reward = lowest + (highest - lowest) S / (1 + sum over c of (1 + |arguments of c|))

J(a, b) is what two multisets share, over what they hold together (1 where both are one list, 0 where one of them alone is empty). A completion with a call that cannot be read
earns ``lowest``, one whose calls are the wanted ones in their order ``highest``. Where none is wanted, any call earns ``lowest``.

The column ``calls`` holds the wanted calls: a list of {name, arguments} (or ``parameters``, or as ``tool_calls`` of a message), or its JSON. A row without it gives None. The
calls of a completion are those in its messages' ``tool_calls``, of all turns, and, where there are none, those that ``format`` reads in the text; arguments that it reads as
texts are what the column ``tools`` says of them.

Source: ToolRL, arXiv 2504.13958, section 3.3, by its authors' code (``verl/utils/reward_score/rlla.py``, ``compute_tool_call_reward``, as public copies have it), to which it is
held: the best fit is sought for one wanted call after another, where the paper speaks of the best matching of all. -3 and 3 are theirs, and there the reward for the form is
``Format`` with ``<think>.*?</think>\\n*<tool_call>.*?</tool_call>``, from 0 to 1. Rows in which no call is wanted earn 0 in their code, whatever is said.
Differs from StringMatch: what is nearly right earns a part.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from guerdon.errors import InputError
from guerdon.feedback.rewards.string_match import StringMatch
from guerdon.feedback.text import opened_thinking, whole_text
from guerdon.tasks.calls import Call, CallFormat
from guerdon.tasks.calls.hermes import Hermes
from guerdon.tasks.messages import template_variables
from guerdon.tasks.spelled import typed
from guerdon.witness import Witness


@dataclass(frozen=True)
class ToolCalls:
    format: CallFormat = Hermes()
    lowest: float = -3.0
    highest: float = 3.0

    def __call__(self, prompts: list[Any], completions: list[Any], calls: list[Any], **columns: list[Any]) -> list[float | None]:
        tools = columns.get("tools") or [None] * len(calls)
        return [self._judge(*row) for row in zip(prompts, completions, calls, tools, strict=True)]

    def _judge(self, prompt: Any, completion: Any, wanted: Any, tools: Any) -> float | None:
        if wanted is None:
            return None
        own, called = read_calls(wanted), self._called(prompt, completion, tools)
        if any(call.error or not call.name for call in called):
            return self.lowest
        return self.lowest + (self.highest - self.lowest) * share(own, called)

    def _called(self, prompt: Any, completion: Any, tools: Any) -> list[Call]:
        messages = [message for message in completion if message.get("tool_calls")] if isinstance(completion, list | tuple) else []
        if messages:
            return [call for message in messages for call in read_calls(message["tool_calls"])]
        opened = isinstance(prompt, str) and opened_thinking(prompt) is not None
        return list(typed(self.format.read(whole_text(completion), opened).calls, template_variables({"tools": tools}).get("tools", ())))


def share(wanted: Sequence[Call], called: Sequence[Call]) -> float:
    """S over the most that it can be."""
    if [(c.name, dict(c.arguments)) for c in wanted] == [(c.name, dict(c.arguments)) for c in called]:
        return 1.0
    found, most, used = _shared([c.name for c in wanted], [c.name for c in called]), 1.0, set()
    for call in wanted:
        most += 1 + len(call.arguments)
        fits = [(_fit(call, other), -place) for place, other in enumerate(called) if place not in used and other.name == call.name]
        best, place = max(fits, default=(0.0, 0))
        if best > 0:
            used.add(-place)
            found += best
    return found / most


def read_calls(given: Any) -> list[Call]:
    """The calls that a column holds.

    Raises:
        InputError: it holds something else.
    """
    try:
        value = json.loads(given) if isinstance(given, str) else given
        return [_read(one) for one in ([value] if isinstance(value, Mapping) else value)]
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"column 'calls' holds {str(given)[:60]!r}; it must be a list of calls, each with name and arguments, or the JSON of one"
        ) from error


def _read(one: Mapping[str, Any]) -> Call:
    one = one.get("function") or one
    arguments = one.get("arguments", one.get("parameters"))
    arguments = json.loads(arguments) if isinstance(arguments, str) else arguments
    return Call(one["name"], dict(arguments or {}))


def _fit(wanted: Call, called: Call) -> float:
    same = sum(name in called.arguments and called.arguments[name] == value for name, value in wanted.arguments.items())
    return _shared(list(wanted.arguments), list(called.arguments)) + same


def _shared(a: list[str], b: list[str]) -> float:
    if a == b:
        return 1.0
    both = sum((Counter(a) & Counter(b)).values())
    return both / (len(a) + len(b) - both)


_wanted = [{"name": "f", "arguments": {"x": 1, "y": 2}}]
_call = '<tool_call>{"name": "f", "arguments": %s}</tool_call>'
witness = (
    Witness(
        ToolCalls(),
        parent=StringMatch(),
        given={
            "prompts": ["q"] * 6,
            "completions": [
                _call % '{"x": 1, "y": 2}',
                _call % '{"x": 1, "z": 2}',
                _call % '{"x": 3}',
                "none",
                "<tool_call>{",
                _call.replace("f", "g") % "{}",
            ],
            "calls": [_wanted] * 5 + [[]],
            "answer": ["none"] * 6,
        },
        # 6 S / 4 - 3: S = 1 + 1/3 + 1; 1 + 1/2; 0
        returns=[3.0, 0.5, -0.75, -3.0, -3.0, -3.0],
    ),
    Witness(
        ToolCalls(lowest=0.0, highest=1.0),
        parent=ToolCalls(),
        given={"prompts": ["q"], "completions": [_call % '{"x": 3}'], "calls": [json.dumps(_wanted)]},
        returns=[0.375],
    ),
)
