"""Markdown from docstrings and values."""

import inspect
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

_OPENERS = re.compile(r"^(Source:|Differs from [\w.]+( and [\w.]+)?:|Raises:|Args:|Attributes:)")


def prose(text: str) -> str:
    """A docstring as Markdown: equations stay as written, and what begins with ``Source:`` or ``Differs from`` stands by itself."""
    out: list[str] = []
    for line in inspect.cleandoc(text).splitlines():
        if line.startswith("    "):
            out.append(line)
            continue
        line = re.sub(r"::$", ":", line.replace("<", "&lt;"))
        opener = _OPENERS.match(line)
        if opener:
            line = f"**{opener.group(0)}**{line[opener.end() :]}"
            if out and out[-1]:
                out.append("")
        out.append(line)
    return "\n".join(out)


def first_line(text: str) -> str:
    """The first line of a docstring, safe in a table."""
    return cell(text.strip().splitlines()[0] if text.strip() else "")


def cell(value: Any) -> str:
    """A value in a cell of a table."""
    return str(value).replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")


def code(value: Any) -> str:
    """A value in a cell of a table, as code."""
    text = str(value).replace("\n", " ").replace("|", "\\|")
    return f"`` {text} ``" if "`" in text else f"`{text}`"


def table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A table; nothing where there are no rows."""
    rows = list(rows)
    if not rows:
        return ""
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(str(c) for c in row) + " |" for row in rows])


def short(value: Any, most: int = 400) -> str:
    """A value as one would write it: numbers to six digits, cut where it is long."""
    text = _said(value)
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _said(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{k!r}: {_said(v)}" for k, v in value.items()) + "}"
    if type(value) in (list, tuple):
        inner = ", ".join(map(_said, value))
        return f"[{inner}]" if isinstance(value, list) else f"({inner}{',' if len(value) == 1 else ''})"
    return re.sub(r" at 0x[0-9a-f]+", "", repr(value))


def joined(*blocks: str) -> str:
    """Blocks with an empty line between them."""
    return "\n\n".join(block for block in blocks if block) + "\n"
