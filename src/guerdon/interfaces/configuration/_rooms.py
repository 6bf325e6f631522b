"""Which rooms a place of the configuration takes its parts from.

A Protocol lives in the ``__init__`` of its room, so a field that is annotated with one says its room by itself. A field that takes any part
(a loss, the body under a head) says it by its name.
"""

import importlib
import pkgutil
from dataclasses import fields
from functools import cache
from typing import Any

from guerdon.catalogue import names_in, part_of, parts_in, resolve, unknown
from guerdon.errors import InputError

MODELS = ("models.language", "models.encoders", "models.finite")
VIEWS = ("models.views",)
TASKS = ("tasks", "worlds.text", "worlds.finite")
ENVIRONMENTS = ("tasks.environments", "worlds.games")
REWARDS = ("feedback.rewards", "feedback.intrinsic", "tasks", "worlds.text")
KNOBS = ("training.schedules", "training.controllers")
# Rooms of the floor ``losses`` whose parts are no loss by themselves.
_NOT_LOSSES = ("scores", "comparisons", "labels", "weights", "rankings", "reference_points", "reduce", "levels", "corrections", "choices")

_origin: dict[type, str] = {}  # how a part was named that lies outside the library


@cache
def losses() -> tuple[str, ...]:
    """Every room whose parts are losses, and the floor itself, where ``pairwise`` lies."""
    floor = importlib.import_module("guerdon.losses")
    rooms = [info.name for info in pkgutil.iter_modules(floor.__path__) if info.ispkg and info.name not in _NOT_LOSSES]
    return (*(f"losses.{room}" for room in rooms), "losses")


def rooms_of_field(name: str) -> tuple[str, ...]:
    """The rooms for a field whose annotation does not say."""
    by_name = {
        "loss": losses,
        "value_of": losses,
        "then": losses,
        "otherwise": losses,
        "target": lambda: ("credit.targets",),
        "selection": lambda: ("data.selection",),
        "updates": lambda: ("training.updates",),
        "model": lambda: MODELS,
        "body": lambda: MODELS,
        "encoder": lambda: ("models.encoders",),
        "scorer": lambda: MODELS,
        "teacher": lambda: MODELS,
        "views": lambda: (*VIEWS, *MODELS),
        "task": lambda: TASKS,
        "of": lambda: TASKS,
        "reward": lambda: REWARDS,
        "correct": lambda: REWARDS,
        "environment": lambda: ENVIRONMENTS,
        "curate": lambda: ("data.curation",),
    }
    return by_name.get(name, lambda: ())()


def room_of_protocol(kind: Any) -> str | None:
    """The room that a Protocol is the signature of, or None."""
    if isinstance(kind, type) and getattr(kind, "_is_protocol", False) and kind.__module__.startswith("guerdon."):
        return kind.__module__.removeprefix("guerdon.")
    return None


def meant(room: str, raw: Any) -> Any:
    """What ``raw`` says in the place of a part of the room: a room may have ``short``, which reads what is written for short there."""
    short = getattr(importlib.import_module(f"guerdon.{room}"), "short", None)
    return raw if short is None else short(raw)


def find(name: str, rooms: tuple[str, ...], place: str) -> type:
    """The part called ``name`` in one of ``rooms``, or, written ``module:Class`` or ``file.py:Class``, one from outside.

    Raises:
        InputError: there is none; the sentence names the place and the nearest names.
    """
    if ":" in name:
        return _outside(name, rooms, place)
    try:
        return resolve(name, *rooms)
    except LookupError as error:
        raise InputError(f"{place}: {error.args[0]}") from error


def _outside(name: str, rooms: tuple[str, ...], place: str) -> type:
    from guerdon.feedback.loading import load

    try:
        found = load(name, "part")
    except InputError as error:
        raise InputError(f"{place}: {error}") from error
    if not isinstance(found, type) or not hasattr(found, "__dataclass_fields__"):
        takes = [] if isinstance(found, type) else _takes_a_function(rooms)
        hint = f"; a function is given to one: {', '.join(f'{{part: {part}, {field}: {name}}}' for part, field in takes)}" if takes else ""
        raise InputError(f"{place}: {name} is no part; a part is a frozen dataclass that can be called{hint}")
    _origin[found] = name
    return found


def _takes_a_function(rooms: tuple[str, ...]) -> list[tuple[str, str]]:
    """The parts of the rooms that are told a function, and in which field."""
    parts = {name: resolve(name, *rooms) for name in offered(rooms)}
    return [(name, field.name) for name, part in parts.items() for field in fields(part) if "Callable" in str(field.type)]


def name_of(part: type, rooms: tuple[str, ...]) -> str:
    """The shortest text by which ``find`` gives ``part`` again."""
    if part in _origin:
        return _origin[part]
    stem = part.__module__.rsplit(".", 1)[1]
    if any(f"guerdon.{room}.{stem}" == part.__module__ for room in rooms) and part_of(importlib.import_module(part.__module__)) is part:
        return stem
    return f"{part.__module__}:{part.__qualname__}"


def known(rooms: tuple[str, ...]) -> list[str]:
    """The names of every file of the rooms, without importing them."""
    return sorted({name for room in rooms for name in names_in(room)})


def offered(rooms: tuple[str, ...]) -> list[str]:
    """The names of every part of the rooms, as a sentence offers them."""
    return sorted({name for room in rooms for name in parts_in(room)})


def nearest(what: str, name: str, names: list[str]) -> str:
    """See ``guerdon.catalogue.unknown``."""
    return unknown(what, name, names)
