"""Python style: a list of calls as Python writes them, as Llama 4 and Llama 3.2 do. It is read as a tree and never evaluated.

    [search(query="tides"), now()]

The list stands at the beginning of what is said, ``<|python_start|>`` before it or not. Arguments have names and are constants, lists or dictionaries of them; a tuple is read
as a list. Whatever else Python could write there (a sum, another call, an argument without its name) is a call that is told so. What follows the list is text.

Source: the chat template of Llama 4, "pythonic" calls; BFCL, https://gorilla.cs.berkeley.edu/leaderboard.html.
Differs from BareJSON: the values are Python's.
"""

import ast
import keyword
import re
import unicodedata
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from guerdon.errors import InputError
from guerdon.tasks.calls import Call, Found
from guerdon.tasks.calls._json import unsayable, written
from guerdon.tasks.calls._scanning import begins_speech, scanned
from guerdon.tasks.calls.bare_json import BareJSON
from guerdon.tasks.messages import Message
from guerdon.witness import Witness

_START, _END = "<|python_start|>", "<|python_end|>"
_OPENING = rf"(?:{re.escape(_START)}\s*)?\[(?=\s*[^\W\d][\w.]*\s*\()"
_TOKEN = re.compile(r"""(\"{3}|'{3}|"|')(?:\\.|(?!\1)[^\\])*\1|[\[\](){}]""", re.DOTALL)
_CLOSING = re.compile(rf"\s*{re.escape(_END)}")
_FORM = "write [tool(name=value, ...)]"


@dataclass(frozen=True)
class PythonStyle:
    def read(self, text: str, opened: bool = False) -> Found:
        return scanned(text, opened, _OPENING, _taken)

    __call__ = read

    def write(self, calls: Sequence[Call]) -> str:
        return f"[{', '.join(map(_written, calls))}]"

    def told(self, results: Sequence[Message]) -> Sequence[Message]:
        return results


def _taken(text: str, opening: re.Match[str]) -> tuple[list[Call], int]:
    if not opening.group().startswith(_START) and not begins_speech(text, opening.start()):
        return [], opening.end()
    begin = opening.end() - 1
    end = _closed(text, begin)
    if end is None:
        return [Call("", error=f"the list of calls is not closed; {_FORM}", start=opening.start(), end=len(text))], len(text)
    closing = _CLOSING.match(text, end)
    calls = _parsed(text[begin:end], opening.start(), end)
    return calls, closing.end() if closing else end


def _closed(text: str, begin: int) -> int | None:
    """Where the bracket that opens at ``begin`` is closed, strings aside."""
    depth = 0
    for token in _TOKEN.finditer(text, begin):
        depth += (token.group() in "[({") - (token.group() in "])}")
        if depth == 0 and len(token.group()) == 1:
            return token.end()
    return None


def _parsed(source: str, start: int, end: int) -> list[Call]:
    try:
        with warnings.catch_warnings():  # of escapes that Python does not know
            warnings.simplefilter("ignore")
            tree = ast.parse(source, mode="eval").body
    except SyntaxError as error:
        return [Call("", error=f"the list of calls is no Python ({error.msg}); {_FORM}", start=start, end=end)]
    except (ValueError, MemoryError, RecursionError) as error:
        return [Call("", error=f"the list of calls is no Python ({error or 'it is nested too deeply'}); {_FORM}", start=start, end=end)]
    if not isinstance(tree, ast.List):
        return [Call("", error=f"what stands in the brackets is no list of calls; {_FORM}", start=start, end=end)]
    return [_call(node, start, end) for node in tree.elts]


def _call(node: ast.expr, start: int, end: int) -> Call:
    if not isinstance(node, ast.Call) or (name := _dotted(node.func)) is None:
        return Call("", error=f"{_shown(node)} is no call of a tool; {_FORM}", start=start, end=end)
    if node.args:
        return Call(name, error=f"{_shown(node.args[0])} is an argument without its name; {_FORM}", start=start, end=end)
    arguments: dict[str, Any] = {}
    for given in node.keywords:
        if given.arg in arguments:
            return Call(name, error=f"the argument {given.arg} is given twice; {_FORM}", start=start, end=end)
        try:
            if given.arg is None:
                raise ValueError
            arguments[given.arg] = _plain(ast.literal_eval(given.value))
        except (ValueError, TypeError, MemoryError, RecursionError):
            what = f"{given.arg}={_shown(given.value)}" if given.arg else f"**{_shown(given.value)}"
            return Call(
                name,
                error=f"{what} is no plain value; write a text, a number, True, False, None, a list or a dictionary",
                start=start,
                end=end,
            )
    error = unsayable(arguments)
    return Call(name, {} if error else arguments, error, start, end)


def _dotted(node: ast.expr) -> str | None:
    if isinstance(node, ast.Attribute):
        before = _dotted(node.value)
        return None if before is None else f"{before}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else None


def _plain(value: Any) -> Any:
    """The value as JSON has it.

    Raises:
        ValueError: JSON has none like it.
    """
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        return {key: _plain(item) for key, item in value.items()}
    if value is None or isinstance(value, bool | int | str) or (isinstance(value, float) and abs(value) < float("inf")):
        return value
    raise ValueError("no plain value")


def _shown(node: ast.expr) -> str:
    try:
        text = ast.unparse(node)
    except (ValueError, RecursionError):
        return "something"
    return text if len(text) <= 40 else f"{text[:37]}..."


def _written(call: Call) -> str:
    for name in (*call.name.split("."), *call.arguments):
        if not name.isidentifier() or keyword.iskeyword(name) or unicodedata.normalize("NFKC", name) != name:
            raise InputError(f"a call in Python's style cannot say the name {name!r}, which is none in Python; use another format of calls")
    written(dict(call.arguments))  # refuses what is no plain value
    return f"{call.name}({', '.join(f'{name}={value!r}' for name, value in call.arguments.items())})"


witness = (
    Witness(
        PythonStyle(),
        parent=BareJSON(),
        given={"text": "[f(x=1, y=['a]']), g()] Done."},
        returns=Found("Done.", (Call("f", {"x": 1, "y": ["a]"]}, start=0, end=23), Call("g", start=0, end=23))),
    ),
    Witness(
        PythonStyle(),
        parent=BareJSON(),
        given={"text": "[f(x=open('/etc/passwd'))]"},
        returns=Found(
            "",
            (
                Call(
                    "f",
                    error="x=open('/etc/passwd') is no plain value; write a text, a number, True, False, None, a list or a dictionary",
                    start=0,
                    end=26,
                ),
            ),
        ),
    ),
)
