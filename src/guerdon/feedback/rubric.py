"""Rubrics: what counts in an answer, in items with weights, as a file or a column of the rows holds it.

    items:
      - {text: Names the capital of France as Paris., weight: 3, kind: essential}
      - {text: Explains why., weight: 2}
      - {text: Is rude., weight: 1, kind: pitfall}

A list of texts is a rubric too: important items of weight 1. The file is YAML or JSON.

Source: rubrics as rewards, Gunjal et al. 2025, arXiv 2507.17746, with essential, important, optional and pitfall items. What essential and pitfall items do to the
sum is ours; see ``value``.
"""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from guerdon.catalogue import unknown
from guerdon.errors import InputError

Kind = Literal["essential", "important", "optional", "pitfall"]
KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True)
class Item:
    """One thing that counts: a sentence of which a judge can say whether it holds of an answer. A ``pitfall`` is a fault that the answer should not have; what is ``essential``
    has to be there. ``weight`` is above 0."""

    text: str
    weight: float = 1.0
    kind: Kind = "important"

    def __post_init__(self) -> None:
        if not isinstance(self.text, str) or not self.text.strip():
            raise InputError("an item of a rubric has a text, a sentence that holds of an answer or does not")
        if self.kind not in KINDS:
            raise InputError(unknown("kind of item", str(self.kind), list(KINDS)))
        if isinstance(self.weight, bool) or not isinstance(self.weight, int | float) or not 0 < self.weight < float("inf"):
            raise InputError(
                f"the weight of an item is a number above 0, not {self.weight!r}; what should not be there is an item of kind pitfall"
            )


@dataclass(frozen=True)
class Rubric:
    items: tuple[Item, ...]

    def __post_init__(self) -> None:
        if not any(item.kind != "pitfall" for item in self.items):
            raise InputError("a rubric has at least one item that is no pitfall: there is nothing by which an answer could be good")

    def __str__(self) -> str:
        """As a judge is told it, who judges all of it at once."""
        return "\n".join(f"- ({item.kind}, weight {item.weight:g}) {item.text}" for item in self.items)

    def value(self, met: Sequence[float]) -> float:
        """What an answer is worth of which the items hold with these probabilities.

            gate * max(0, sum over wanted items of weight * met - sum over pitfalls of weight * met) / sum over wanted items of weight         0 to 1
            gate = the least of the essential items' probabilities, 1 where there are none

        Essential items gate: an answer that lacks one is worth nothing, however much else it has. They add to the sum as well.
        """
        wanted = sum(item.weight for item in self.items if item.kind != "pitfall")
        found = sum((-one if item.kind == "pitfall" else one) * item.weight for item, one in zip(self.items, met, strict=True))
        gate = min((one for item, one in zip(self.items, met, strict=True) if item.kind == "essential"), default=1.0)
        return gate * max(0.0, found) / wanted


def rubric_of(given: Any, where: str = "the rubric") -> Rubric:
    """The rubric that a file, plain values or a column's entry describe.

    Raises:
        InputError: it is none; the sentence says where, and what is wrong.
    """
    if isinstance(given, Rubric):
        return given
    if isinstance(given, str | Path) and str(given).rpartition(".")[2].lower() in ("yaml", "yml", "json"):
        return rubric_of(_file(Path(given)), str(given))
    if isinstance(given, str) and given.lstrip()[:1] in ("{", "["):
        try:
            return rubric_of(json.loads(given), where)
        except ValueError as error:
            raise InputError(f"{where}: it begins as JSON does and is none: {error}") from error
    if isinstance(given, Mapping):
        for key in given:
            if key != "items":
                raise InputError(f"{where}: {unknown('key', str(key), ['items'])}")
        given = given.get("items")
    if isinstance(given, str) or not isinstance(given, Sequence) or not given:
        raise InputError(
            f"{where}: items are expected, such as {{items: [{{text: It is right., weight: 2, kind: essential}}]}}, not {given!r}"
        )
    items = tuple(_item(item, f"{where}, item {place}") for place, item in enumerate(given, 1))
    try:
        return Rubric(items)
    except InputError as error:
        raise InputError(f"{where}: {error}") from error


def plain(rubric: Rubric) -> dict[str, Any]:
    """The rubric as a file holds it."""
    return {"items": [dataclasses.asdict(item) for item in rubric.items]}


def _item(given: Any, where: str) -> Item:
    if isinstance(given, str):
        given = {"text": given}
    if not isinstance(given, Mapping):
        raise InputError(f"{where}: a text, or text, weight and kind are expected, not {given!r}")
    known = [field.name for field in dataclasses.fields(Item)]
    for key in given:
        if key not in known:
            raise InputError(f"{where}: {unknown('key', str(key), known)}")
    if "text" not in given:
        raise InputError(f"{where}: it has no text")
    try:
        return Item(**{key: value for key, value in given.items() if value is not None})
    except InputError as error:
        raise InputError(f"{where}: {error}") from error


def _file(path: Path) -> Any:
    import yaml

    path = path.expanduser()
    if not path.is_file():
        near = sorted(found.name for found in path.parent.glob(f"*{path.suffix}")) if path.parent.is_dir() else []
        raise InputError(unknown(f"rubric in {path.parent}", path.name, near) if near else f"there is no file {path} to read a rubric from")
    try:
        return yaml.safe_load(path.read_text())
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: it cannot be read as YAML or JSON: {' '.join(str(error).split())[:200]}") from error
