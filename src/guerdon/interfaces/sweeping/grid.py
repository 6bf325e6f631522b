"""The grid: ``learning_rate=1e-5,1e-4 seed=0..4`` as ten runs, each with its overrides and its folder."""

import hashlib
import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from guerdon.errors import InputError

_RANGE = re.compile(r"(-?\d+)\.\.(-?\d+)")
_OPENING, _CLOSING = "[{(", "]})"
LONGEST = 120  # characters of a folder's name


@dataclass(frozen=True)
class Planned:
    """One run of a sweep: what differs from the file, as it is written, where it lies, and the names that have several values."""

    settings: Mapping[str, str]
    folder: Path
    varied: tuple[str, ...] = ()

    @property
    def overrides(self) -> list[str]:
        """The settings as the command line takes them."""
        return [f"{name}={value}" for name, value in self.settings.items()]

    @property
    def name(self) -> str:
        """What a person is shown."""
        return ", ".join(f"{name}={self.settings[name]}" for name in self.varied) or "the run"

    @property
    def setting(self) -> str:
        """The same without seeds: what is compared."""
        return ", ".join(f"{name}={self.settings[name]}" for name in self.varied if not is_seed(name)) or "all"


def is_seed(name: str) -> bool:
    """Whether the values of this name are repetitions."""
    return name.rpartition(".")[2] == "seed"


def grid(texts: Sequence[str]) -> dict[str, list[str]]:
    """Names with their values: ``a,b`` are two, ``0..4`` are five, and commas inside of brackets, braces or quotes divide nothing.

    Raises:
        InputError: one is not written ``name=values``, a name or a value comes twice, or a range is empty.
    """
    found: dict[str, list[str]] = {}
    for text in texts:
        name, equals, values = (part.strip() for part in text.partition("="))
        if not (equals and name):
            raise InputError(f"{text!r} sweeps over nothing; write name=value,value or name=first..last")
        if name in found:
            raise InputError(f"{name} is given twice; write its values behind one another: {name}={','.join(found[name])},{values}")
        found[name] = [value for piece in _divided(values) for value in _range(name, piece)]
        twice = next((value for i, value in enumerate(found[name]) if value in found[name][:i]), None)
        if twice is not None:
            raise InputError(f"{name}: {twice} is given twice")
    return found


def plan(texts: Sequence[str], folder: Path) -> list[Planned]:
    """Every combination, in order, the last name fastest."""
    axes = grid(texts)
    combinations = [dict(zip(axes, values, strict=True)) for values in itertools.product(*axes.values())]
    varied = tuple(name for name, values in axes.items() if len(values) > 1)
    return [Planned(own, folder / _folder(",".join(f"{name}={value}" for name, value in own.items())), varied) for own in combinations]


def _divided(text: str) -> list[str]:
    """A text at its commas, but for those inside of something."""
    pieces, depth, quote = [""], 0, ""
    for character in text:
        if quote or character in "'\"":
            quote = "" if character == quote else quote or character
        else:
            depth += (character in _OPENING) - (character in _CLOSING)
        if character == "," and depth == 0 and not quote:
            pieces.append("")
        else:
            pieces[-1] += character
    return [piece.strip() for piece in pieces]


def _range(name: str, text: str) -> list[str]:
    found = _RANGE.fullmatch(text)
    if found is None:
        return [text]
    first, last = int(found[1]), int(found[2])
    if last < first:
        raise InputError(f"{name}: {text} is empty; the larger number comes last")
    return [str(value) for value in range(first, last + 1)]


def _folder(text: str) -> str:
    """A folder's name for some settings; where letters had to be left out, a digest keeps it apart from others."""
    plain = re.sub(r"[^\w.,=+-]", "_", text)[:LONGEST] or "run"
    return plain if plain == text or not text else f"{plain}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"
