"""Adapters: reward functions that were written for other trainers run here unchanged.

Three signatures are recognised by the names of their arguments:

    TRL         f(prompts, completions, **columns) -> list of numbers or None       once per batch; any column by its own name
    verl        f(data_source, solution_str, ground_truth, extra_info=None)         once per completion; a number, or a dictionary
                                                                                    with the number under "score"
    verifiers   f(prompt, completion, answer, state, task, info), any of them       once per completion
                f(prompts, completions, answers, states, tasks, infos), any         once per group of completions of one prompt

A function in TRL's signature whose attribute ``per_batch`` is false may be called on whole groups of the batch, one group or several at a time.
Each may be a function, a method, a partial or an object with ``__call__``, sync or async. ``adapt`` gives every one of them TRL's
signature, which rewards of ours have already (``guerdon.feedback.verl`` hands them to verl).

What verl and verifiers ask for beyond a TRL column is made from the row: ``ground_truth`` is the column of that name, else verl's
``reward_model["ground_truth"]``, else ``answer``; ``info`` and ``extra_info`` may be JSON text; ``state`` is a dictionary of the row
with its prompt and completion. Any other name is a column.
"""

import functools
import inspect
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from guerdon.catalogue import unknown
from guerdon.errors import InputError
from guerdon.feedback.loading import load
from guerdon.feedback.text import whole_text
from guerdon.parts import describe

Kind = Literal["trl", "verl", "verifiers", "verifiers group"]
KINDS: tuple[Kind, ...] = ("trl", "verl", "verifiers", "verifiers group")
Columns = Mapping[str, Sequence[Any]]

_SINGULAR = ("prompt", "completion", "answer", "state", "task", "info")
_PLURAL = {f"{name}s": name for name in _SINGULAR}
_TRUTH = ("ground_truth", "reward_model", "answer")  # where verl's ground truth may stand
_MADE = {  # the names that need no column
    "trl": {"prompts", "completions"},
    "verl": {"data_source", "solution_str", "extra_info"},
    "verifiers": {"prompt", "completion", "state", "task", "info"},
    "verifiers group": {"prompts", "completions", "states", "tasks", "infos"},
}
_OFFERED = "f(prompts, completions, **columns), f(data_source, solution_str, ground_truth, extra_info) or f(completion, answer, ...)"


@dataclass(frozen=True)
class Call:
    """One call of a reward function: the rows of the batch that it judges, its arguments, and whether it gives a list or a number."""

    rows: tuple[int, ...]
    arguments: Mapping[str, Any]
    several: bool


@dataclass(frozen=True)
class Adapted:
    """A reward function and how it is to be called. Calling it is calling a TRL reward function: a list for the batch, or, when the
    function is async, an awaitable of one.

    Attributes:
        function: what the user wrote.
        name: how messages call it.
        kind: which of the signatures it has.
        origin: the text by which it was loaded, so that another process can load it too; None if it was given as it is.
    """

    function: Callable[..., Any]
    name: str
    kind: Kind
    origin: str | None = None

    @property
    def asynchronous(self) -> bool:
        return is_async(self.function)

    def missing(self, columns: Iterable[str]) -> list[str]:
        """The columns that it cannot be called without and that are not among ``columns``."""
        there = set(columns)
        asked = {name for name, needed in self._names.items() if needed} - _MADE[self.kind]
        if self.kind == "verl" and there & set(_TRUTH):
            asked -= {"ground_truth"}
        if self.kind == "verifiers group":
            asked = {_PLURAL.get(name, name) if name not in there else name for name in asked}
        return sorted(asked - there)

    def calls(self, prompts: Sequence[Any], completions: Sequence[Any], columns: Columns, rows: Sequence[int] | None = None) -> list[Call]:
        """The calls that judge the batch, or the given ``rows`` of it: one, one per group, or one per completion.

        Raises:
            InputError: the function asks for a column that the data do not have.
        """
        for name in self.missing(columns):
            known = sorted(columns)
            what = unknown("column", name, known) if known else f"the column {name!r}, and the data have no columns beside the prompt"
            raise InputError(f"the reward {self.name} asks for {what}")
        rows = range(len(completions)) if rows is None else rows
        table = [{name: values[row] for name, values in columns.items()} for row in rows]
        for own, row in zip(table, rows, strict=True):
            own |= {"prompt": prompts[row], "completion": completions[row]}
        if self.kind == "trl":
            return [Call(tuple(rows), self._taken(_as_trl(table, columns)), several=True)]
        if self.kind == "verifiers group":
            groups = _groups(table)
            return [Call(tuple(rows[i] for i in g), self._taken(_as_group([table[i] for i in g])), several=True) for g in groups]
        shown = _as_verl if self.kind == "verl" else _as_verifiers
        return [Call((row,), self._taken(shown(own)), several=False) for row, own in zip(rows, table, strict=True)]

    def __call__(self, prompts: list[Any], completions: list[Any], **columns: list[Any]) -> Any:
        calls = self.calls(prompts, completions, columns)
        if self.asynchronous:
            return self._gather(calls, len(completions))
        return self._collect(calls, [self.function(**call.arguments) for call in calls], len(completions))

    async def _gather(self, calls: list[Call], size: int) -> list[Any]:
        import asyncio

        return self._collect(calls, await asyncio.gather(*(self.function(**call.arguments) for call in calls)), size)

    def _collect(self, calls: list[Call], results: Sequence[Any], size: int) -> list[Any]:
        values: list[Any] = [None] * size
        for call, result in zip(calls, results, strict=True):
            for row, value in zip(call.rows, self.several(call, result), strict=True):
                values[row] = value
        return values

    def several(self, call: Call, result: Any) -> list[Any]:
        """What a call returned, as one value per row.

        Raises:
            InputError: it is no list, or one of another length.
        """
        if not call.several:
            return [number_in(result)]
        values = result.tolist() if hasattr(result, "tolist") else result
        if not isinstance(values, (list, tuple)):
            raise InputError(
                f"the reward {self.name} returned {_article(result)} for {len(call.rows)} completions: "
                "it must return a list with one number for each"
            )
        if len(values) != len(call.rows):
            raise InputError(
                f"the reward {self.name} returned {len(values)} values for {len(call.rows)} completions: it must return one for each"
            )
        return list(values)

    def _taken(self, known: Mapping[str, Any]) -> dict[str, Any]:
        """What the function takes out of what is known: its arguments by name, and the rest where it has a ``**`` argument."""
        if self.kind != "verl" and self._takes_all:
            return dict(known)
        return {name: value for name, value in known.items() if name in self._names}

    @functools.cached_property
    def _takes_all(self) -> bool:
        return any(p.kind is inspect.Parameter.VAR_KEYWORD for p in _parameters(self.function))

    @functools.cached_property
    def _names(self) -> dict[str, bool]:
        """The arguments that are given by name, and whether they have to be."""
        return {p.name: p.default is inspect.Parameter.empty for p in _named(self.function)}


def adapt(reward: Callable[..., Any] | str, name: str | None = None, kind: Kind | None = None) -> Adapted:
    """A reward function in any of the signatures, or the text by which it is loaded, as one that can be called like TRL's.

    Args:
        reward: the function, or "package.module:function" or "path/to/file.py:function".
        name: how messages call it; its own name by default.
        kind: the signature, where its argument names do not say.

    Raises:
        InputError: it cannot be loaded or called, or its signature is none or several of the three.
    """
    if isinstance(reward, Adapted):
        return reward
    origin = reward if isinstance(reward, str) else None
    function = load(reward) if isinstance(reward, str) else reward
    if isinstance(function, type) or not callable(function):
        raise InputError(f"a reward is a function, or an object that can be called, not {function!r}")
    if kind is not None and kind not in KINDS:
        raise InputError(unknown("kind of reward function", kind, list(KINDS)))
    name = name or origin or name_of(function)
    return Adapted(function, name, kind or recognise(function, name), origin)


def recognise(function: Callable[..., Any], name: str) -> Kind:
    """Which of the signatures a function has, by the names of its arguments."""
    names = {p.name for p in _named(function)}
    kinds: list[Kind] = []
    if "solution_str" in names:
        kinds.append("verl")
    if names & {"prompt", "completion", "state"}:
        kinds.append("verifiers")
    if names & {"prompts", "completions", "completion_ids", "states"}:
        kinds.append("verifiers group" if names & {"answers", "states", "tasks", "infos"} else "trl")
    if len(kinds) == 1:
        return kinds[0]
    shown = f"{name}({', '.join(str(p) for p in _parameters(function))})"
    if not kinds:
        raise InputError(f"the signature of the reward {shown} is none of {_OFFERED}: rename its arguments, or say kind=")
    raise InputError(f"the signature of the reward {shown} may be meant for {' or '.join(kinds)}: say which by kind=")


def name_of(function: Callable[..., Any]) -> str:
    """How a message calls a function: by its name, or as one would write it if it is a part."""
    while isinstance(function, functools.partial):
        function = function.func
    named = getattr(function, "__qualname__", None) or getattr(function, "__name__", None)
    if named:
        return named.rpartition("<locals>.")[2]
    return describe(function) if hasattr(function, "__dataclass_fields__") else type(function).__name__


def is_async(function: Callable[..., Any]) -> bool:
    """Whether calling the function gives something to await."""
    while isinstance(function, functools.partial):
        function = function.func
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(getattr(function, "__call__", None))  # noqa: B004


def number_in(value: Any) -> Any:
    """The number in what a function for one completion returned: verl's dictionaries hold it under "score"."""
    return value.get("score", value) if isinstance(value, Mapping) else value


def _as_trl(table: list[dict[str, Any]], columns: Columns) -> dict[str, Any]:
    own = {name: [row[name] for row in table] for name in columns if name not in ("prompt", "completion")}
    return own | {"prompts": [row["prompt"] for row in table], "completions": [row["completion"] for row in table]}


def _as_verl(row: dict[str, Any]) -> dict[str, Any]:
    stored = _parsed(row.get("reward_model"))
    inside = stored.get("ground_truth") if isinstance(stored, Mapping) else None
    return row | {
        "data_source": row.get("data_source", ""),
        "solution_str": whole_text(row["completion"]),
        "ground_truth": row.get("ground_truth", row.get("answer") if inside is None else inside),
        "extra_info": _parsed(row.get("extra_info")),
    }


def _as_verifiers(row: dict[str, Any]) -> dict[str, Any]:
    offered = row | {"task": row.get("task", "default"), "info": _parsed(row.get("info")) or {}}
    return offered | {"state": dict(offered)}


def _as_group(table: list[dict[str, Any]]) -> dict[str, Any]:
    rows = [_as_verifiers(row) for row in table]
    own = {name: [row[name] for row in rows] for name in rows[0]}
    plural = {many: own[one] for many, one in _PLURAL.items() if one in own}
    return plural | {name: values for name, values in own.items() if name not in _SINGULAR}


def _groups(table: list[dict[str, Any]]) -> list[list[int]]:
    """The positions of each group: by the column ``group`` where there is one, else by equal prompts."""
    groups: dict[str, list[int]] = {}
    for position, row in enumerate(table):
        groups.setdefault(group_key(row), []).append(position)
    return list(groups.values())


def group_key(row: Mapping[str, Any]) -> str:
    """What rows of one group have in common: their column ``group``, or else their prompt."""
    return repr(row.get("group", row["prompt"]))


def _parsed(value: Any) -> Any:
    """A dictionary that may have been stored as JSON text."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


def _article(value: Any) -> str:
    return "None" if value is None else f"a {type(value).__name__}"


def _parameters(function: Callable[..., Any]) -> list[inspect.Parameter]:
    try:
        return list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError) as error:
        raise InputError(f"the signature of the reward {name_of(function)} cannot be read: wrap it in a function of your own") from error


def _named(function: Callable[..., Any]) -> list[inspect.Parameter]:
    by_name = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return [p for p in _parameters(function) if p.kind in by_name]
