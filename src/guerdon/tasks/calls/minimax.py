"""MiniMax: in a list between tags a tag for each call and each argument, as MiniMax M2 and what came after it up to M2.5 write it.

    <minimax:tool_call>
    <invoke name="search">
    <parameter name="query">tides</parameter>
    </invoke>
    </minimax:tool_call>

Texts stand as they are, every other value as JSON, and nothing tells the one from the other but the tool's schema: so arguments are read as texts (``Call.spelled``), which
``tasks.spelled`` takes for what the tool wants. A text cannot hold ``</parameter>``, nor the end of the call or of the list.

Source: MiniMax M2's chat template and guide to its calls, whose parser strips values where here they stay.
Differs from GLM: a list, and names in attributes.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from guerdon.tasks.calls import Call, Found
from guerdon.tasks.calls._invoking import Invoking
from guerdon.tasks.calls.glm import GLM
from guerdon.tasks.messages import Message
from guerdon.witness import Witness

_FORM = Invoking("minimax:tool_call")


@dataclass(frozen=True)
class MiniMax:
    def read(self, text: str, opened: bool = False) -> Found:
        return _FORM.read(text, opened)

    __call__ = read

    def write(self, calls: Sequence[Call]) -> str:
        return _FORM.write(calls)

    def told(self, results: Sequence[Message]) -> Sequence[Message]:
        return results


_said = '<minimax:tool_call>\n<invoke name="f">\n<parameter name="x"> 1\n</parameter>\n</invoke>\n<invoke name="g">\n</invoke>\n</minimax:tool_call>'
witness = Witness(
    MiniMax(),
    parent=GLM(),
    given={"text": f"So. {_said}"},
    returns=Found("So.", (Call("f", {"x": " 1\n"}, start=4, end=87, spelled=True), Call("g", start=88, end=115, spelled=True))),
)
