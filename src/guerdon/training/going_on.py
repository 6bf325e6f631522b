"""Going on: what of a configuration may be another when a run that was begun is gone on with, and what may not.

What never changes a result (how much goes through the model at once, how often is saved and shown), how long the run is, and where its parts lie on this
machine may differ and is said; whatever decides the result is refused. Whether files at another place are the same is for their digests to say
(``training.sources``).
"""

from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any

from guerdon.training.recipe import Budget, Recipe

PLACES = frozenset(
    {"source", "path", "test_path", "device", "url", "folder", "workers", "model", "task", "data"}
)  # where something lies, or what computes

SPENDING = frozenset(
    {"budget_tokens", "budget_money", "price_read", "price_written", "requests_per_minute", "tokens_per_minute", "key_env", "remember"}
)  # what may be spent on a judge elsewhere, and how fast


def changes(before: Any, now: Any) -> tuple[list[str], list[str]]:
    """What differs between two configurations, as sentences: what must not, and what may."""
    refused, free = [], []
    for place, was, is_now in _differences(_spelled(before), _spelled(now)):
        (free if _may(place, was, is_now) else refused).append(f"{place} was {was}, is {is_now}")
    return refused, free


def _may(place: str, was: Any, is_now: Any) -> bool:
    words = place.split(".")
    if "placement" in (words[0], *words[2:3]):  # of the run, or of one of its stages; who draws in its workers decides what is drawn
        return "engine" not in words and _engine_of(was) == _engine_of(is_now)
    *_, section, last = ("", *words)
    if section == "budget":
        return last in Budget.may_change
    if last in SPENDING:
        return True
    return last in PLACES and all(value is None or isinstance(value, str | int) for value in (was, is_now))


def _engine_of(placement: Any) -> Any:
    return placement.get("engine") if isinstance(placement, Mapping) else None


def _spelled(tree: Any) -> Any:
    """The tree with every field of a budget written out, every number of a recipe, and rows of a step as one number: it may be accumulated otherwise."""
    if isinstance(tree, list):
        return [_spelled(value) for value in tree]
    if not isinstance(tree, Mapping):
        return tree
    made = {key: _spelled(value) for key, value in tree.items()}
    if isinstance(budget := made.get("budget"), Mapping):
        whole = {
            field.name: list(field.default) if isinstance(field.default, tuple) else field.default for field in fields(Budget)
        } | budget
        rows = whole["batch_size"] * whole["gradient_accumulation_steps"]
        made["budget"] = whole | {"batch_size": rows, "gradient_accumulation_steps": 1}
    if tree.get("part") == Recipe.__name__:  # what was not there when the run was begun was not asked for
        made = {field.name: field.default for field in fields(Recipe) if isinstance(field.default, int)} | made
    return made


def _differences(before: Any, now: Any, place: str = "") -> Iterator[tuple[str, Any, Any]]:
    if isinstance(before, Mapping) and isinstance(now, Mapping):
        for key in {**before, **now}:
            yield from _differences(before.get(key), now.get(key), f"{place}.{key}" if place else str(key))
    elif isinstance(before, list) and isinstance(now, list) and len(before) == len(now):
        for i, (one, other) in enumerate(zip(before, now, strict=True)):
            yield from _differences(one, other, f"{place}.{i}")
    elif before != now:
        yield place, before, now
