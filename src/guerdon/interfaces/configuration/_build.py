"""From a tree of plain values to the value that it describes, guided by the types of the fields.

A part is written as its name, or as ``{part: name, field: value, ...}``. A mapping without ``part`` changes what is there: the default of the
field, or the recipe that it is based on. In a list that is there already, ``{0: ...}`` changes its first item.
"""

import dataclasses
import functools
import math
import types
import typing
from collections.abc import Mapping, Sequence
from typing import Any

from guerdon.errors import InputError
from guerdon.interfaces.configuration import _foreign, _rooms

MISSING = dataclasses.MISSING
_PLAIN = (int, float, str, bool)


def build(annotation: Any, raw: Any, place: str, base: Any = MISSING, rooms: tuple[str, ...] = ()) -> Any:
    """The value that ``raw`` describes at ``place``, where ``annotation`` is expected and ``base`` is what is there.

    Args:
        rooms: where parts are looked for besides the rooms that the annotation names.

    Raises:
        InputError: an unknown key or part, a value of another type, a missing field; the sentence begins with the place.
    """
    if dataclasses.is_dataclass(raw):
        return raw  # built already
    options = _options(annotation)
    own = [r for o in options if (r := _rooms.room_of_protocol(o))]
    rooms = tuple(dict.fromkeys([*own, *rooms]))
    for room in own:
        raw = _rooms.meant(room, raw)
    if _is_number(options) and place.partition(".")[0] in ("recipe", "stages"):
        rooms = tuple(dict.fromkeys([*rooms, *_rooms.KNOBS]))
    if raw is None and (type(None) in options or (Any in options and not (rooms and _is_callable(annotation)))):
        return None
    fixed = [o for o in options if dataclasses.is_dataclass(o)]
    if isinstance(raw, Mapping):
        return _from_mapping(options, fixed, raw, place, base, rooms)
    if isinstance(raw, str) and rooms and str not in options and not (_is_number(options) and raw not in _rooms.known(rooms)):
        return part(raw, {}, rooms, place)
    if isinstance(raw, Sequence) and not isinstance(raw, str):
        return _from_list(options, raw, place, rooms)
    if fixed and not any(o in _PLAIN for o in options):
        raise InputError(f"{place}: settings by name are expected ({_fields_of(fixed[0])}), not {raw!r}")
    if rooms and Any in options and not callable(raw):
        raise InputError(f"{place}: {_a_part_of(rooms)} is expected, not {_article(raw)}")
    return _plain(options, raw, place)


def part(name: Any, settings: Mapping[str, Any], rooms: tuple[str, ...], place: str) -> Any:
    """The part called ``name`` with the given settings."""
    if not isinstance(name, str):
        raise InputError(f"{place}.part: the name of a part is expected, not {name!r}")
    return instance(_rooms.find(name, rooms, place), settings, place)


def instance(kind: type, settings: Mapping[str, Any], place: str, base: Any = MISSING) -> Any:
    """A dataclass with the given settings; whatever is not given is that of ``base``, or the default."""
    fields = {f.name: f for f in dataclasses.fields(kind) if f.init}
    ours = {key: _foreign.SAME.get(str(key), "").rpartition(".")[2] for key in settings if key not in fields}
    settings = {ours[key] if ours.get(key) in fields and ours[key] not in settings else key: value for key, value in settings.items()}
    for key in settings:
        if key not in fields:
            if said := _foreign.answer(str(key)):
                raise InputError(f"{_joined(place, key)}: {said}")
            name = kind.__name__ if not fields else ""
            known = list(fields)
            sentence = _rooms.nearest("key", str(key), known) if known else f"unknown key {key!r}: {name} has no settings"
            raise InputError(f"{_joined(place, key)}: {sentence}")
    hints = hints_of(kind)
    values: dict[str, Any] = {}
    for name, field in fields.items():
        there = getattr(base, name) if base is not MISSING else _default(field)
        if name in settings:
            values[name] = build(hints[name], settings[name], _joined(place, name), there, _rooms.rooms_of_field(name))
        elif base is not MISSING:
            values[name] = there
        elif there is MISSING:
            raise InputError(f"{place}: {name} is missing; {_shown(kind)} needs it")
    try:
        return kind(**values)
    except InputError as error:
        raise InputError(f"{place}: {error}") from error
    except (TypeError, ValueError) as error:
        raise InputError(f"{place}: {_shown(kind)} refuses its settings: {error}") from error


@functools.cache
def hints_of(kind: type) -> dict[str, Any]:
    """The types of a dataclass's fields."""
    return typing.get_type_hints(kind)


def _from_mapping(
    options: tuple[Any, ...], fixed: list[type], raw: Mapping[Any, Any], place: str, base: Any, rooms: tuple[str, ...]
) -> Any:
    for key in raw:
        if not isinstance(key, str | int):
            raise InputError(f"{place}: the key {key!r} is no name")
    if "part" in raw and rooms:
        return part(raw["part"], {k: v for k, v in raw.items() if k != "part"}, rooms, place)
    if isinstance(base, tuple):
        return _changed(options, raw, place, base, rooms)
    if base is not MISSING and dataclasses.is_dataclass(base):
        return instance(type(base), raw, place, base)
    if fixed:
        return instance(fixed[0], raw, place)
    for option in options:
        if typing.get_origin(option) in (dict, Mapping, typing.get_origin(Mapping[str, Any])):
            _, kind = typing.get_args(option)
            inside = {str(k): v for k, v in raw.items()}
            kept = {k: v for k, v in (base if isinstance(base, Mapping) else {}).items() if k not in inside}
            own = base if isinstance(base, Mapping) else {}
            return kept | {k: build(kind, v, _joined(place, k), own.get(k, MISSING), rooms) for k, v in inside.items()}
    if rooms:
        raise InputError(
            f"{place}: the name of a part is missing; write {{part: NAME, ...}} with one of {', '.join(_rooms.offered(rooms))}"
        )
    if Any in options:
        return raw
    raise InputError(f"{place}: {_expected(options)} is expected, not the settings {', '.join(map(str, raw))}")


def _from_list(options: tuple[Any, ...], raw: Sequence[Any], place: str, rooms: tuple[str, ...]) -> Any:
    for option in options:
        origin, arguments = typing.get_origin(option), typing.get_args(option)
        if origin is tuple and len(arguments) == 2 and arguments[1] is Ellipsis:
            return tuple(build(arguments[0], item, f"{place}.{i}", MISSING, rooms) for i, item in enumerate(raw))
        if origin is tuple:
            if len(raw) != len(arguments):
                raise InputError(f"{place}: {len(arguments)} values are expected, not {len(raw)}")
            return tuple(build(kind, item, f"{place}.{i}") for i, (kind, item) in enumerate(zip(arguments, raw, strict=True)))
        if origin is not None and isinstance(origin, type) and issubclass(origin, Sequence):
            return tuple(build(arguments[0], item, f"{place}.{i}", MISSING, rooms) for i, item in enumerate(raw))
    if Any in options and rooms:
        raise InputError(f"{place}: {_a_part_of(rooms)} is expected, not a list")
    if Any in options:
        return raw
    raise InputError(f"{place}: {_expected(options)} is expected, not a list")


def _changed(
    options: tuple[Any, ...], raw: Mapping[Any, Any], place: str, base: tuple[Any, ...], rooms: tuple[str, ...]
) -> tuple[Any, ...]:
    """The items of a list that is there, with some of them changed; the index after the last adds one."""
    kind = next((typing.get_args(o)[0] for o in options if typing.get_origin(o) is tuple), Any)
    items = list(base)
    for key, value in sorted(raw.items(), key=lambda pair: str(pair[0])):
        if not str(key).isdigit() or int(key) > len(items):
            raise InputError(
                f"{_joined(place, key)}: there are the items 0 to {len(items) - 1}" if items else f"{place}: a list is expected"
            )
        index = int(key)
        there = items[index] if index < len(items) else MISSING
        item = build(kind, value, f"{place}.{index}", there, rooms)
        items[index : index + 1] = [item]
    return tuple(items)


def _plain(options: tuple[Any, ...], raw: Any, place: str) -> Any:
    """A number, string or flag, checked strictly: a string is no number, 1 is no flag."""
    if Any in options:
        return raw
    kinds = [o for o in options if o in (*_PLAIN, type(None)) or typing.get_origin(o) is typing.Literal]
    if isinstance(raw, float) and math.isnan(raw):
        raise InputError(f"{place}: a number is expected, not nan")
    if kinds:
        from pydantic import ConfigDict, TypeAdapter, ValidationError

        try:
            return TypeAdapter(typing.Union[tuple(kinds)], config=ConfigDict(strict=True)).validate_python(raw)  # noqa: UP007
        except ValidationError:
            pass
    raise InputError(f"{place}: {_expected(options)} is expected, not {_article(raw)}")


def _options(annotation: Any) -> tuple[Any, ...]:
    """The members of a union, or the annotation itself."""
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        return tuple(o for a in typing.get_args(annotation) for o in _options(a))
    return (Any,) if _is_callable(annotation) else (annotation,)


def _is_callable(annotation: Any) -> bool:
    origin = typing.get_origin(annotation)
    return origin is not None and getattr(origin, "__name__", "") == "Callable"


def _is_number(options: tuple[Any, ...]) -> bool:
    return float in options


def _default(field: dataclasses.Field) -> Any:
    if field.default is not MISSING:
        return field.default
    return field.default_factory() if field.default_factory is not MISSING else MISSING


def _expected(options: tuple[Any, ...]) -> str:
    words = {float: "a number", int: "a whole number", str: "a text", bool: "true or false"}
    said = [words[o] for o in options if o in words]
    for option in options:
        if typing.get_origin(option) is typing.Literal:
            said.append("one of " + ", ".join(map(repr, typing.get_args(option))))
        elif dataclasses.is_dataclass(option):
            said.append(f"settings ({_fields_of(option)})")
        elif room := _rooms.room_of_protocol(option):
            said.append(f"a part of {room}")
        elif typing.get_origin(option) is tuple:
            said.append("a list")
        elif typing.get_origin(option) is not None:
            said.append("names with values")
    return " or ".join(dict.fromkeys(said)) or "something else"


def _a_part_of(rooms: tuple[str, ...]) -> str:
    return f"a part ({', '.join(_rooms.known(rooms)[:6])} ...)"


def _article(raw: Any) -> str:
    kind = {str: "the text", bool: "the flag", int: "the number", float: "the number"}.get(type(raw), "")
    return f"{kind} {raw!r}".strip() if raw is not None else "nothing"


def _fields_of(kind: type) -> str:
    return ", ".join(f.name for f in dataclasses.fields(kind))


def _shown(kind: type) -> str:
    stem = kind.__module__.rsplit(".", 1)[-1]
    return stem if stem.replace("_", "") == kind.__name__.lower() else kind.__name__


def _joined(place: str, name: Any) -> str:
    return f"{place}.{name}" if place else str(name)
