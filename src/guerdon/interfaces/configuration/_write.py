"""From a value back to the tree that describes it, with every default written out."""

import dataclasses
import typing
from collections.abc import Mapping
from typing import Any

from guerdon.interfaces.configuration import _rooms
from guerdon.interfaces.configuration._build import _options, hints_of


def write(value: Any, annotation: Any = Any, rooms: tuple[str, ...] = ()) -> Any:
    """The tree of plain values from which ``build`` makes ``value`` again."""
    options = _options(annotation)
    rooms = tuple(dict.fromkeys([*(r for o in options if (r := _rooms.room_of_protocol(o))), *rooms, *_rooms.KNOBS]))
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        hints = hints_of(type(value))
        own = {
            f.name: write(getattr(value, f.name), hints[f.name], _rooms.rooms_of_field(f.name)) for f in dataclasses.fields(value) if f.init
        }
        return own if type(value) in options else {"part": _rooms.name_of(type(value), rooms), **own}
    if isinstance(value, Mapping):
        kind = next((typing.get_args(o)[1] for o in options if len(typing.get_args(o)) == 2 and typing.get_origin(o) is not tuple), Any)
        return {str(k): write(v, kind, rooms) for k, v in value.items()}
    if isinstance(value, list | tuple):
        kind = next((typing.get_args(o)[0] for o in options if typing.get_args(o)), Any)
        return [write(v, kind, rooms) for v in value]
    return value
