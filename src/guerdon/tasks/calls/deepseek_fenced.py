"""DeepSeek, fenced: between tokens of its own the word ``function``, the name of a tool, and the arguments in a block of JSON, as DeepSeek V3 and R1 write it.

    <｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>search
    ```json
    {"query": "tides"}
    ```<｜tool▁call▁end｜><｜tool▁calls▁end｜>

Source: the chat templates of DeepSeek V3 and R1.
Differs from Hermes: the name stands outside of the JSON, and tokens of its own around all calls.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from guerdon.tasks.calls import Call, Found
from guerdon.tasks.calls._between_tokens import Between
from guerdon.tasks.calls._deepseek_tokens import BEGIN, CALL, CALLED, END, THEN
from guerdon.tasks.calls.hermes import Hermes
from guerdon.tasks.messages import Message
from guerdon.witness import Witness

_HEAD = re.compile(rf"\s*function\s*{re.escape(THEN)}[ \t]*(?P<name>[^\s<>]*)[ \t]*\n```(?:json)?[ \t]*(?:\n|\Z)")
_FORM = Between(
    *(BEGIN, END, CALL, CALLED, _HEAD, re.compile(r"\s*```")),
    f"write {CALL}function{THEN}name, and in lines below it ```json, the arguments and ```{CALLED}",
)


@dataclass(frozen=True)
class DeepSeekFenced:
    def read(self, text: str, opened: bool = False) -> Found:
        return _FORM.read(text, opened)

    __call__ = read

    def write(self, calls: Sequence[Call]) -> str:
        return _FORM.write(calls, lambda _, name, arguments: f"function{THEN}{name}\n```json\n{arguments}\n```", "\n")

    def told(self, results: Sequence[Message]) -> Sequence[Message]:
        return results


witness = Witness(
    DeepSeekFenced(),
    parent=Hermes(),
    given={
        "text": '<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>f\n```json\n{"x": "```"}\n```<｜tool▁call▁end｜><｜tool▁calls▁end｜>'
    },
    returns=Found("", (Call("f", {"x": "```"}, start=0, end=102),)),
)
