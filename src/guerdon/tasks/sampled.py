"""Sampled: a text that a policy said, with the very tokens of which it consists.

Text alone does not say them: it has no end token where the completion was cut off, it holds U+FFFD where a character was cut in two, and a text
has more than one spelling in tokens. Wherever the text goes, its tokens go along; in files they are the columns ``tokens`` and ``terminated``
(``chosen_tokens`` ... of a pair, lists of them beside ``completions``), as in ``completions.jsonl``.
"""

from collections.abc import Mapping, Sequence
from typing import Any

TOKENS, TERMINATED = "tokens", "terminated"
_SIDES = {"completion": "", "chosen": "chosen_", "rejected": "rejected_"}


class Sampled(str):
    """A text with its tokens, the end token included (none: they are not known), and whether it ended or was cut off."""

    tokens: tuple[int, ...]
    terminated: bool

    def __new__(cls, text: str, tokens: Sequence[int] = (), terminated: bool = True) -> "Sampled":
        self = super().__new__(cls, text)
        self.tokens, self.terminated = tuple(int(t) for t in tokens), bool(terminated)
        return self

    def __getnewargs__(self) -> tuple[str, tuple[int, ...], bool]:
        return str(self), self.tokens, self.terminated


def sampled(completion: Any, tokens: Sequence[int], terminated: bool) -> Any:
    """A completion, a string or messages, with what was sampled of its (last) text."""
    if isinstance(completion, str):
        return Sampled(completion, tokens, terminated)
    last = completion[-1] if isinstance(completion, list | tuple) and completion else None
    if not isinstance(last, Mapping) or not isinstance(last.get("content"), str):
        return completion
    return [*completion[:-1], {**last, "content": Sampled(last["content"], tokens, terminated)}]


def spoken(row: Mapping[str, Any], name: str) -> Any:
    """The completion in column ``name``, with its tokens where the row has them."""
    value, side = row[name], _SIDES.get(name, "")
    return _with(value, row.get(side + TOKENS), row.get(side + TERMINATED))


def all_spoken(row: Mapping[str, Any]) -> list[Any]:
    """The completions of a row of several, each with its tokens where the row has them."""
    values = list(row["completions"])
    columns = [row.get(name) for name in (TOKENS, TERMINATED)]
    tokens, ended = (c if isinstance(c, list | tuple) and len(c) == len(values) else [None] * len(values) for c in columns)
    return [_with(*of_one) for of_one in zip(values, tokens, ended, strict=True)]


def _with(value: Any, tokens: Any, terminated: Any) -> Any:
    known = isinstance(tokens, list | tuple) and len(tokens) > 0 and all(type(t) is int for t in tokens)
    cut = terminated in (False, 0) and terminated is not None
    if not (known or cut) or not value or not isinstance(value, str | list | tuple) or _of(value) is not None:
        return value
    return sampled(value, tokens if known else (), not cut)


def _of(completion: Any) -> Sampled | None:
    """What was sampled of a completion, if anything says so."""
    last = completion[-1] if isinstance(completion, list | tuple) and completion else completion
    text = last.get("content") if isinstance(last, Mapping) else last
    return text if isinstance(text, Sampled) else None


def carried(row: Mapping[str, Any]) -> Mapping[str, Any]:
    """The row with the tokens of its completions at the completions themselves, so that they go wherever those go; ``written`` turns it back."""
    own = {name: spoken(row, name) for name in _SIDES if row.get(name)}
    if isinstance(row.get("completions"), list | tuple):
        own["completions"] = all_spoken(row)
    several = own.get("completions", ())
    if all(_of(value) is None for name, value in own.items() if name != "completions") and all(_of(one) is None for one in several):
        return row
    columns = {side + column for side in _SIDES.values() for column in (TOKENS, TERMINATED)}
    return {**{name: value for name, value in row.items() if name not in columns}, **own}


def written(row: Mapping[str, Any]) -> dict[str, Any]:
    """The row as it can be written into a file: the tokens of what was sampled as columns of their own."""
    out = dict(row)
    for name, side in _SIDES.items():
        own = _of(row.get(name))
        if own is not None:
            out |= {side + TOKENS: list(own.tokens), side + TERMINATED: own.terminated}
    held = row.get("completions")
    several = [_of(c) for c in held] if isinstance(held, list | tuple) else []
    if several and all(own is not None for own in several):
        out |= {TOKENS: [list(own.tokens) for own in several], TERMINATED: [own.terminated for own in several]}
    return out
