"""Brackets: what comes before stands between tags, and the verdict in double brackets at the end.

    <critique>It is right.</critique>
    [[8]]

The last pair of double brackets counts, and only behind the last closing tag: what is quoted within the deliberation is no verdict.

Source: the double brackets are those of MT-Bench, arXiv 2306.05685, appendix A; the tags are ours.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from guerdon.feedback.deliberation import Deliberation
from guerdon.feedback.layouts import Unread, shown
from guerdon.witness import Witness

_VERDICT = re.compile(r"\[\[([^\[\]\n]*)\]\]")
_CLOSED = re.compile(r"</(?:reasoning|critique|rubric|think)>", re.IGNORECASE)


@dataclass(frozen=True)
class Brackets:
    def __call__(self, text: str) -> str | Unread:
        closed = list(_CLOSED.finditer(text))
        found = _VERDICT.findall(text[closed[-1].end() if closed else 0 :])
        if not found:
            return Unread(f"it holds no verdict in double brackets: {shown(text)}")
        return found[-1].strip()

    def tells(self, verdict: str, form: str, before: Deliberation | None) -> str:
        last = f"write your {verdict} in double brackets: [[{form}]]"
        if before is None:
            return f"Reply with nothing else: {last}."
        return f"{before(verdict)} Write that between <{before.name}> and </{before.name}>. Then, at the very end, {last}."

    def schema(self, verdict: str, values: Mapping[str, Any], before: Deliberation | None) -> None:
        return None


witness = Witness(
    Brackets(),
    given={"text": "[[1]] <critique>It says [[9]] of itself.</critique> So it is [[3]], no, [[ 4 ]]. It is [not [5]]."},
    returns="4",
)
