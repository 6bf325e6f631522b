"""A whole file of another trainer: read as a configuration of ours, or answered once, with all that it says written as it is written here."""

import copy
import re
from collections.abc import Mapping, Sequence
from typing import Any

from guerdon.errors import InputError
from guerdon.interfaces.configuration import _foreign, _overrides, _rooms, _yaml
from guerdon.interfaces.configuration._sections import sections
from guerdon.interfaces.configuration._write import write
from guerdon.interfaces.configuration.trainers import Theirs, Trainer, trainers

OURS = ("task", "recipe", "stages", "budget", "encoding", "decoding")  # a file with one of these is ours, whatever other names it has


def as_ours(tree: Mapping[str, Any], overrides: Sequence[str], called: str) -> tuple[Mapping[str, Any], Sequence[str]]:
    """The tree and the overrides as they are where the file is ours; else the tree that says the same, and those of the overrides that are ours.

    Raises:
        InputError: something in it cannot be said here, or has to be decided by its author: one answer for all of it.
    """
    if any(name in tree for name in OURS):
        return tree, overrides
    theirs = Theirs(tree)
    trainer = next((t for t in trainers() if t.known_by(theirs)), None)
    if trainer is None:
        return tree, overrides
    rest = []
    for text in overrides:
        (name, value), *_ = _overrides.split([text.lstrip("+~")])
        if name.partition(".")[0] in tree or not _overrides.is_dotted(name):
            theirs.given[name] = theirs.left[name] = value
        else:
            rest.append(text)
    _fill(theirs)
    ours, unknown = _written(theirs, trainer)
    if theirs.said or unknown:
        raise InputError(_answer(theirs, trainer, ours, unknown, called))
    return ours, rest


def _fill(theirs: Theirs) -> None:
    """Put values where ``${name}`` stands for them."""
    for name, value in theirs.given.items():
        if isinstance(value, str) and (found := re.fullmatch(r"\$\{([\w.]+)\}", value)) and found[1] in theirs.given:
            theirs.given[name] = theirs.left[name] = theirs.given[found[1]]


def _written(theirs: Theirs, trainer: Trainer) -> tuple[dict[str, Any], list[str]]:
    """What the file says as a tree of ours, and the names that nobody knows."""
    ours: dict[str, Any] = {}
    for place, value in trainer.write(theirs):
        try:
            ours = _with(ours, place, value)
        except InputError as error:
            theirs.said[place] = str(error).removeprefix(f"{place}: ")
    unknown = []
    asked = [(name, value) for name, value in theirs.left.items() if value is not None]  # nothing is what is meant where nothing is said
    for some in _foreign.in_turn(asked):
        for name, value in some:
            said = trainer.of(name)
            if not said and _foreign.ended(name) in _foreign.ANSWERS:
                said = _foreign.ANSWERS[_foreign.ended(name)]
            if said:
                if value is not False or not said.endswith("leave it out"):  # what is switched off there and never on here is said already
                    theirs.said[name] = said
                continue
            try:
                for place, meant in _overrides.meaning(sections(copy.deepcopy(ours)), name, value):
                    ours = _with(ours, place, meant)
            except InputError as error:
                if _foreign.is_foreign(name):
                    theirs.said[name] = str(error).removeprefix(f"{name}: ")
                else:
                    unknown.append(name)
    return ours, unknown


def _with(ours: dict[str, Any], place: str, value: Any) -> dict[str, Any]:
    """The tree with one setting more.

    Raises:
        InputError: it cannot be that.
    """
    after = copy.deepcopy(ours)
    if value is None:
        return after
    _overrides.put(after, place, write(value, Any, _rooms.KNOBS))
    sections(copy.deepcopy(after))
    return after


def _answer(theirs: Theirs, trainer: Trainer, ours: dict[str, Any], unknown: list[str], called: str) -> str:
    """One answer: the file as it is written here, and what of it is not."""
    because: dict[str, list[str]] = {}
    for name, sentence in theirs.said.items():
        because.setdefault(sentence, []).append(name)
    lines = [f"{called} is a configuration of {trainer.called}. What it says and is said here too, as a file for this library:", ""]
    lines += [f"    {line}" for line in _yaml.text(_numbered(ours)).splitlines()]
    lines += ["", "What of it is not there, and why:", *(f"  {', '.join(names)}: {sentence}" for sentence, names in because.items())]
    if unknown:
        lines.append(f"  {', '.join(unknown)}: no such name is known here; leave it out, or say what is meant in the words of guerdon show")
    return "\n".join(lines)


def _numbered(tree: Any) -> Any:
    """Places in a list are written as numbers."""
    if isinstance(tree, dict):
        return {int(k) if str(k).isdigit() else k: _numbered(v) for k, v in tree.items()}
    return tree
