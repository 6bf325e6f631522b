"""DeepSeek: between tokens of its own the name of a tool, a token, and the arguments as JSON, as DeepSeek V3.1 writes it.

    <｜tool▁calls▁begin｜><｜tool▁call▁begin｜>search<｜tool▁sep｜>{"query": "tides"}<｜tool▁call▁end｜><｜tool▁calls▁end｜>

Several calls stand one behind another in one list. Arguments that are whole are a call where the turn ends behind them.

Source: the chat template of DeepSeek V3.1.
Differs from DeepSeekFenced: the JSON stands in no block, and the kind of the call is not said.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from guerdon.tasks.calls import Call, Found
from guerdon.tasks.calls._between_tokens import Between
from guerdon.tasks.calls._deepseek_tokens import BEGIN, CALL, CALLED, END, THEN
from guerdon.tasks.calls.deepseek_fenced import DeepSeekFenced
from guerdon.tasks.messages import Message
from guerdon.witness import Witness

_HEAD = re.compile(rf"\s*(?P<name>[^\s<>]*)\s*{re.escape(THEN)}(?=\s*\{{|\s*\Z)")
_FORM = Between(BEGIN, END, CALL, CALLED, _HEAD, re.compile(""), f"write {CALL}name{THEN}{{...}}{CALLED}")


@dataclass(frozen=True)
class DeepSeek:
    def read(self, text: str, opened: bool = False) -> Found:
        return _FORM.read(text, opened)

    __call__ = read

    def write(self, calls: Sequence[Call]) -> str:
        return _FORM.write(calls, lambda _, name, arguments: f"{name}{THEN}{arguments}")

    def told(self, results: Sequence[Message]) -> Sequence[Message]:
        return results


_one = "<｜tool▁call▁begin｜>%s<｜tool▁sep｜>%s<｜tool▁call▁end｜>"
witness = Witness(
    DeepSeek(),
    parent=DeepSeekFenced(),
    given={"text": "So.<｜tool▁calls▁begin｜>" + _one % ("f", '{"x": 1}') + _one % ("g", "{}") + "<｜tool▁calls▁end｜>"},
    returns=Found("So.", (Call("f", {"x": 1}, start=3, end=80), Call("g", start=80, end=131))),
)
