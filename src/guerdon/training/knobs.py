"""Knobs: any numeric field of a recipe may be a schedule or a controller; at every step they are turned into numbers."""

import dataclasses
from collections.abc import Mapping
from typing import Any, TypeVar

T = TypeVar("T")


def is_controller(thing: Any) -> bool:
    """A value that is moved by a statistic: it has ``statistic`` and carries state."""
    return hasattr(thing, "statistic") and hasattr(thing, "init")


def is_schedule(thing: Any) -> bool:
    """A value that depends on progress."""
    return type(thing).__module__.startswith("guerdon.training.schedules.")


def at(thing: T, progress: float, states: Mapping[str, Any], path: str = "") -> T:
    """``thing`` with every schedule in it replaced by its value at ``progress`` and every controller by its current value."""
    if is_schedule(thing):
        return thing(progress)
    if is_controller(thing):
        return states[path]["value"]
    if isinstance(thing, tuple):
        return tuple(at(item, progress, states, f"{path}.{i}") for i, item in enumerate(thing))
    if isinstance(thing, Mapping):
        return {key: at(item, progress, states, f"{path}.{key}") for key, item in thing.items()}
    if dataclasses.is_dataclass(thing) and not isinstance(thing, type):
        changed = {}
        for field in dataclasses.fields(thing):
            old = getattr(thing, field.name)
            new = at(old, progress, states, f"{path}.{field.name}")
            if new is not old and new != old:
                changed[field.name] = new
        return dataclasses.replace(thing, **changed) if changed else thing
    return thing


def schedules(thing: Any, path: str = "") -> dict[str, Any]:
    """Every schedule in ``thing``, by its path."""
    if is_schedule(thing):
        return {path: thing}
    found: dict[str, Any] = {}
    for name, value in _inside(thing):
        found |= schedules(value, f"{path}.{name}".lstrip("."))
    return found


def _inside(thing: Any) -> list[tuple[Any, Any]]:
    if isinstance(thing, tuple):
        return list(enumerate(thing))
    if isinstance(thing, Mapping):
        return list(thing.items())
    if dataclasses.is_dataclass(thing) and not isinstance(thing, type):
        return [(field.name, getattr(thing, field.name)) for field in dataclasses.fields(thing)]
    return []


def controllers(thing: Any, path: str = "") -> dict[str, Any]:
    """Every controller in ``thing``, by its path."""
    if is_controller(thing):
        return {path: thing}
    found: dict[str, Any] = {}
    for name, value in _inside(thing):
        found |= controllers(value, f"{path}.{name}")
    return found


def start(thing: Any) -> dict[str, Any]:
    """The initial state of every controller in ``thing``, by its path."""
    return {path: controller.init() for path, controller in controllers(thing).items()}


def at_first(thing: T) -> T:
    """``thing`` as it is before the first step."""
    return at(thing, 0.0, start(thing))


def move(thing: Any, states: Mapping[str, Any], metrics: Mapping[str, float], sequences: int) -> dict[str, Any]:
    """Every controller's state after it has seen the step's metrics. One whose statistic was not logged stays as it is."""
    moved = dict(states)
    for path, controller in controllers(thing).items():
        if controller.statistic in metrics:
            _, moved[path] = controller(metrics[controller.statistic], states[path], sequences=sequences)
    return moved
