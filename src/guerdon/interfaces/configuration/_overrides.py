"""Overrides from the command line: ``section.key=value``, or a common name by itself, which goes to every field that is called so."""

import dataclasses
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from guerdon.catalogue import near_names
from guerdon.errors import InputError
from guerdon.interfaces.configuration import _foreign, _yaml
from guerdon.interfaces.configuration._sections import SECTIONS, Configuration, rewards
from guerdon.training.recipe import Budget

# Names that elsewhere are small constants against division by zero: the common meaning is the knob of the loss. A temperature is that of what is drawn:
# ``recipe.temperature`` takes its place where that moves, and would say it twice.
MEANT = {
    "epsilon": "guerdon.losses.surrogates",
    "epsilon_high": "guerdon.losses.surrogates",
    "beta": "guerdon.losses.scores",
    "temperature": "guerdon.sequences",
}
KL = "guerdon.losses.penalties.kl_"
DISTANCES = "guerdon.losses.penalties."  # a beta that one of these has says which divergence it is (GKD's)


def split(overrides: list[str]) -> list[tuple[str, Any]]:
    """Names and values.

    Raises:
        InputError: one is not written ``name=value``.
    """
    pairs = []
    for text in overrides:
        name, equals, value = text.partition("=")
        if not equals or not name.strip():
            raise InputError(f"{text!r} is no override; write section.key=value or key=value")
        pairs.append((name.strip(), _yaml.parse(value, name)))
    return pairs


def is_dotted(name: str) -> bool:
    """Whether the name says its place: a section, or a path that begins with one."""
    return name in SECTIONS or ("." in name and (name.partition(".")[0] in SECTIONS or not _foreign.is_foreign(name)))


def is_bare(name: str, value: Any) -> bool:
    """Whether it may be a name without a place, and is no section that is misspelt."""
    return not isinstance(value, Mapping) and "." not in name and not near_names(name, list(SECTIONS)) and name in _common()


def of_budget(name: str) -> bool:
    """Whether a name without a place is a budget's, whatever else the configuration holds."""
    return name in Budget.__dataclass_fields__ and not _foreign.is_foreign(name)


@cache
def _common() -> frozenset[str]:
    """The names of the fields that most configurations have."""
    from guerdon.models.language.language_model import LanguageModel
    from guerdon.recipes.sft import recipe
    from guerdon.tasks.dataset import Dataset

    usual = Configuration(model=LanguageModel(""), task=Dataset(""), recipe=recipe)
    return frozenset({*_names(usual), *MEANT})


def put(tree: dict[str, Any], name: str, value: Any) -> None:
    """Set what lies at a dotted place; what was written for short there is written out first."""
    words = name.split(".")
    if words[0] not in SECTIONS:
        near = near_names(words[0], list(SECTIONS))
        hint = f"did you mean {' or '.join(near)}?" if near else "write what is meant by its place here"
        raise InputError(f"{name}: unknown section {words[0]!r}; {hint} (the sections are {', '.join(SECTIONS)})")
    here: Any = tree
    for depth, word in enumerate(words[:-1]):
        here = _inside(here, word, words[: depth + 1])
    last = words[-1]
    if isinstance(here, list):
        here[_index(here, last, words)] = value
    else:
        here[last] = value


def _inside(here: Any, word: str, path: list[str]) -> Any:
    if isinstance(here, list):
        index = _index(here, word, path)
        here[index] = there = _written_out(here[index], path)
        return there
    here[word] = there = _written_out(here.get(word), path)
    return there


def _index(items: list[Any], word: str, path: list[str]) -> int:
    if not word.isdigit() or int(word) >= len(items):
        raise InputError(f"{'.'.join(path)}: a place in a list of {len(items)} is expected, 0 to {len(items) - 1}")
    return int(word)


def _written_out(value: Any, path: list[str]) -> Any:
    section = path[2] if path[0] == "stages" and len(path) > 2 else path[0]
    is_section = len(path) == (3 if path[0] == "stages" else 1)
    if value is None:
        return {}
    if is_section and section == "reward" and isinstance(value, str | list):
        names = rewards(value, "reward", type(Configuration().reward)()).functions
        items = [value] if isinstance(value, str) else value
        return {"functions": dict(zip(names, items, strict=True))}
    if is_section and section == "reward" and isinstance(value, Mapping) and "functions" not in value:
        options = type(Configuration().reward).__dataclass_fields__
        return value if any(key in options for key in value) else {"functions": value}
    if not isinstance(value, str):
        if not isinstance(value, dict | list):
            raise InputError(f"{'.'.join(path)}: it is {value!r} and has nothing inside to set")
        return value
    if is_section and section == "recipe":
        return {"base": value}
    if section in ("model", "task") and (is_section or path[-1] == "body"):
        from guerdon.interfaces.configuration import _rooms

        parts = _rooms.known(_rooms.MODELS if section == "model" else _rooms.TASKS)
        return {"part": value} if value in parts else {("source" if section == "model" else "path"): value}
    if section == "views":
        from guerdon.interfaces.configuration import _rooms

        return {"part": value} if value in _rooms.known((*_rooms.VIEWS, *_rooms.MODELS)) else {"source": value}
    return {"part": value}


def places(configuration: Configuration, name: str) -> list[str]:
    """The dotted places of every field called ``name``, by the meaning that the name commonly has."""
    found = list(_fields(configuration, name, ""))
    meant = MEANT.get(name)
    if meant is None:
        return [place for place, _ in found]
    first = [place for place, owner in found if type(owner).__module__.startswith(meant)]
    if name == "beta" and not first:
        if apart := [place for place, owner in found if type(owner).__module__.startswith(DISTANCES)]:
            return apart
        return [f"{place}.weight" for place in kl_terms(configuration, "")]
    return first or [place for place, _ in found]


def meaning(configuration: Configuration, name: str, value: Any) -> list[tuple[str, Any]]:
    """The dotted places that a name without a place stands for, each with its value; it may be another trainer's.

    Raises:
        InputError: no field is called so, and the nearest names are offered; or it is a name of another trainer's that is not needed here.
    """
    end = _foreign.ended(name)
    if end in _foreign.ANSWERS:
        if own := places(configuration, end):
            return [(place, value) for place in own]
        raise InputError(f"{name}: {_foreign.ANSWERS[end]}")
    if end in _foreign.MADE:
        if configuration.recipe is None and end in (
            "optim",
            "optimizer",
            "lr_scheduler_type",
            "lr_scheduler",
            "warmup_ratio",
            "warmup_steps",
        ):
            raise InputError(f"{name}: there is no recipe that it could change; name one (recipe: dpo)")
        return _foreign.MADE[end](configuration, value)
    ours = _foreign.SAME.get(end, name)
    if "." in ours or ours in SECTIONS:
        return [(ours, value)]
    found = places(configuration, ours)
    _said_twice(configuration, name, ours, found)
    if not found:
        near = near_names(name, sorted({*_names(configuration), *_foreign.SAME, *SECTIONS, "beta"}))
        hint = (
            f"did you mean {' or '.join(near)}?" if near else f"write its place (budget.{name} ...): the sections are {', '.join(SECTIONS)}"
        )
        raise InputError(f"{name}=...: nothing in this configuration has that name; {hint}")
    return [(place, value) for place in found]


def _said_twice(configuration: Any, name: str, ours: str, found: list[str]) -> None:
    """Refuse a name that commonly means something else beside one of these fields."""
    for place, owner in _fields(configuration, ours, ""):
        if place in found and (other := getattr(owner, "elsewhere", {}).get(ours)):
            raise InputError(f"{name}: elsewhere it is {other}, and here {place} has that name; write the place of the one that is meant")


def _fields(value: Any, name: str, place: str) -> Iterator[tuple[str, Any]]:
    for key, inner in _items(value):
        at = f"{place}.{key}" if place else key
        if dataclasses.is_dataclass(value) and key == name and place:
            yield at, value
        yield from _fields(inner, name, at)


def kl_terms(value: Any, place: str) -> Iterator[str]:
    """The places of terms whose loss is a KL penalty: their weight is what is called beta elsewhere."""
    for key, inner in _items(value):
        at = f"{place}.{key}" if place else key
        if hasattr(inner, "weight") and _penalises_kl(getattr(inner, "loss", None)):
            yield at
        else:
            yield from kl_terms(inner, at)


def _penalises_kl(loss: Any) -> bool:
    """Whether a loss is a KL penalty, or one that is weighted, clamped, of another view or of some steps."""
    return type(loss).__module__.startswith(KL) or any(_penalises_kl(inner) for _, inner in _items(loss))


def _names(value: Any) -> Iterator[str]:
    for key, inner in _items(value):
        if dataclasses.is_dataclass(value) and not isinstance(value, Configuration):
            yield key
        yield from _names(inner)


def _items(value: Any) -> Iterator[tuple[str, Any]]:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        yield from ((f.name, getattr(value, f.name)) for f in dataclasses.fields(value) if f.init)
    elif isinstance(value, Mapping):
        yield from ((str(k), v) for k, v in value.items())
    elif isinstance(value, list | tuple):
        yield from ((str(i), v) for i, v in enumerate(value))
