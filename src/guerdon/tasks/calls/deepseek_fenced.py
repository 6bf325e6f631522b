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
from guerdon.tasks.calls import _between_tokens as between
from guerdon.tasks.calls.hermes import Hermes
from guerdon.tasks.messages import Message
from guerdon.witness import Witness

_HEAD = re.compile(rf"\s*function\s*{re.escape(between.THEN)}[ \t]*([^\s<>]*)[ \t]*\n```(?:json)?[ \t]*(?:\n|\Z)")
_TAIL = re.compile(r"\s*```")
_FORM = f"write {between.CALL}function{between.THEN}name, and in lines below it ```json, the arguments and ```{between.CALLED}"


@dataclass(frozen=True)
class DeepSeekFenced:
    def read(self, text: str, opened: bool = False) -> Found:
        return between.read(text, opened, _HEAD, _TAIL, _FORM)

    __call__ = read

    def write(self, calls: Sequence[Call]) -> str:
        return between.write(calls, lambda name, arguments: f"function{between.THEN}{name}\n```json\n{arguments}\n```", "\n")

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
