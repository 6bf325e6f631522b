"""DeepSeek, marked up: in a list between tags a tag for each call and each argument, which says whether it is a text, as DeepSeek V3.2 writes it.

    <｜DSML｜function_calls>
    <｜DSML｜invoke name="search">
    <｜DSML｜parameter name="query" string="true">tides</｜DSML｜parameter>
    <｜DSML｜parameter name="most" string="false">3</｜DSML｜parameter>
    </｜DSML｜invoke>
    </｜DSML｜function_calls>

A text stands as it is, every other value as JSON; an argument that does not say what it is, is a text. A text cannot hold what ends it, its call or the list.

Source: DeepSeek V3.2's own encoding of conversations (``encoding_dsv32``), and its chat template in llama.cpp.
Differs from MiniMax: the tags, and types.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from guerdon.tasks.calls import Call, Found
from guerdon.tasks.calls._invoking import Invoking
from guerdon.tasks.calls._json import read_value
from guerdon.tasks.calls.minimax import MiniMax
from guerdon.tasks.messages import Message
from guerdon.witness import Witness

_MARK = "\uff5cDSML\uff5c"


def _valued(begun: re.Match[str], text: str) -> tuple[Any, str]:
    if begun["text"] != "false":
        return text, ""
    value, error, end = read_value(text, 0)
    if error or text[end:].strip():
        return None, f'the argument {begun[1]!r} is no JSON; say string="true" where it is a text'
    return value, ""


_FORM = Invoking(
    f"{_MARK}function_calls",
    _MARK,
    ' *(?:string="(?P<text>true|false)")?',
    lambda value: f' string="{"true" if isinstance(value, str) else "false"}"',
    _valued,
)


@dataclass(frozen=True)
class DeepSeekDSML:
    def read(self, text: str, opened: bool = False) -> Found:
        return _FORM.read(text, opened)

    __call__ = read

    def write(self, calls: Sequence[Call]) -> str:
        return _FORM.write(calls)

    def told(self, results: Sequence[Message]) -> Sequence[Message]:
        return results


_one = '<｜DSML｜parameter name="%s" string="%s">%s</｜DSML｜parameter>\n'
_said = f'<｜DSML｜function_calls>\n<｜DSML｜invoke name="f">\n{_one % ("x", "true", "1")}{_one % ("y", "false", "[1]")}</｜DSML｜invoke>'
witness = Witness(
    DeepSeekDSML(),
    parent=MiniMax(),
    given={"text": f"{_said}\n</｜DSML｜function_calls>"},
    returns=Found("", (Call("f", {"x": "1", "y": [1]}, start=0, end=len(_said)),)),
)
