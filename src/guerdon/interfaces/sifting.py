"""Sifting: the rows of a task read once, and once encoded where some of them may be left out: those that do not fit (``encoding.truncate=drop``) and those
that nothing can be learned from (``encoding.wrong=drop``). What was encoded for that is what the loop learns from."""

import dataclasses
import itertools
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from guerdon.data.examples import batched, of_row
from guerdon.errors import InputError
from guerdon.sequences import Example
from guerdon.tasks.encoding import Encoder, TooLong, template_variables
from guerdon.tasks.rows import LazyRows, PlacedRows, Row, place


class Kept:
    """A task of which the rows are held that are learned from: all, or some.

    Attributes:
        stands_for: the task itself, which a run is described by; what its rows are is for their digest to say.
    """

    def __init__(self, task: Any, train: Sequence[Row], test: Sequence[Row], sifted: "Sifted | None" = None):
        self.stands_for = getattr(task, "stands_for", task)
        self.reward = getattr(task, "reward", None)
        self._train, self._test, self._sifted = train, test, sifted

    def train(self) -> Sequence[Row]:
        return self._train

    def test(self) -> Sequence[Row]:
        return self._test

    def sides(self) -> tuple[Sequence[Row], Sequence[Row]]:
        return self._train, self._test

    def encoded(self, encoder: Encoder, sparse: frozenset[str]) -> list[Example] | None:
        """The examples of the training rows, if they were encoded already and as ``encoder`` does it, which is told what was noticed. They are handed out
        once, so that they go when the loop is over. ``sparse``: columns that a row may lack."""
        sifted, self._sifted = self._sifted, None
        if sifted is None or not sifted.encoder.encodes_like(encoder):
            return None
        for what, count in sifted.encoder.truncated.items():
            encoder.truncated[what] += count
        encoder.noticed.update(sifted.encoder.noticed)
        return batched(sifted.examples, sparse)

    def __repr__(self) -> str:
        return repr(self.stands_for)


@dataclass
class Sifted:
    """What became of rows.

    Attributes:
        sound: the indices of those that are kept.
        examples: what is learned from them.
        wrong: why nothing can be learned from a row, by its index.
        long: indices of those that do not fit.
    """

    encoder: Encoder
    sound: list[int] = field(default_factory=list)
    examples: list[Example] = field(default_factory=list)
    wrong: dict[int, str] = field(default_factory=dict)
    long: list[int] = field(default_factory=list)


def sifted(
    task: Any,
    rows: Sequence[Row],
    held_out: Sequence[Row],
    encoder: Encoder,
    acts: bool,
    drop: frozenset[str],
    telling: Callable[[int], None],
    unjudged: Callable[[Sequence[Row]], dict[int, str]],
) -> tuple[Kept, list[str]]:
    """The task without the rows of the kinds in ``drop`` (``long``, ``wrong``), and what the user is to be told of them.

    Args:
        rows, held_out: what is read of it.
        acts: only prompts are read.
        telling: called with the number of rows that are done, after each.
        unjudged: says of rows which of them no reward can judge, and why.

    Raises:
        InputError: nothing is left.
    """
    for kind, setting in (("long", "encoding.truncate"), ("wrong", "encoding.wrong")):
        if kind in drop and isinstance(rows, LazyRows):
            raise InputError(f"{setting}: rows of a task that makes them as they are asked for cannot be dropped; leave it out")
    both = ((rows, "training rows"), (held_out, "held-out rows"))
    found = []
    for i, (some, _) in enumerate(both):
        refused = unjudged(some) if "wrong" in drop else {}
        found.append(_sift(some, encoder, acts, drop, telling if i == 0 else lambda done: None, refused))
    notes: list[str] = []
    for (some, called), own in zip(both, found, strict=True):
        notes += of_wrong(some, called, own.wrong)
    if not found[0].sound:
        raise InputError(
            "encoding.truncate: no row fits into the model; raise encoding.max_prompt_length or take a model with more context"
        )
    if "long" in drop:
        counts = [len(own.long) for own in found]
        fitting = counts[0] + len(found[0].sound)
        notes.append(f"{counts[0]} of {fitting} training rows and {counts[1]} held-out rows do not fit and are left out")
    train, test = (_selected(some, own.sound) for (some, _), own in zip(both, found, strict=True))
    return Kept(task, train, test, found[0] if len(found[0].examples) else None), notes


def held_out_sound(rows: Sequence[Row], encoder: Encoder, drop: frozenset[str]) -> tuple[Sequence[Row], list[str]]:
    """Held-out prompts without those that are left out, and what is to be told of them.

    Raises:
        InputError: nothing is left.
    """
    own = _sift(rows, encoder, True, drop, lambda done: None)
    notes = of_wrong(rows, "held-out rows", own.wrong)
    return _selected(rows, own.sound), [*notes, *([f"{len(own.long)} held-out rows do not fit and are left out"] if own.long else [])]


def _sift(
    rows: Sequence[Row],
    encoder: Encoder,
    acts: bool,
    drop: frozenset[str],
    telling: Callable[[int], None],
    refused: Mapping[int, str] = MappingProxyType({}),
) -> Sifted:
    own = Sifted(fresh(encoder))
    made: dict[int, list[Example]] = {}
    whole = not acts
    for index in range(len(rows)):
        if index in refused:
            own.wrong[index] = refused[index]
            continue
        noticed, truncated = Counter(own.encoder.noticed), dict(own.encoder.truncated)
        try:
            made[index] = _made(rows[index], own.encoder, acts)
        except InputError as error:
            if isinstance(error, TooLong) and "long" in drop:
                own.long.append(index)
            elif not isinstance(error, TooLong) and "wrong" in drop:
                own.wrong[index] = str(error)
            else:
                made[index], whole = [], False  # for the run to say
            own.encoder.noticed, own.encoder.truncated = noticed, truncated  # of what is left out nothing is told
        telling(index + 1)
    kinds = {index: _kind(some[0]) for index, some in made.items() if some}
    usual = max(Counter(kinds.values()).items(), key=lambda item: item[1])[0] if kinds else frozenset()
    other = [index for index, kind in kinds.items() if kind != usual]
    if "wrong" in drop:
        own.wrong |= dict.fromkeys(other, "it has other columns than most rows")
        for index in other:
            del made[index]
    elif other:
        whole = False
    own.sound = list(made)
    own.examples = list(itertools.chain.from_iterable(made.values())) if whole else []
    return own


def _made(row: Row, encoder: Encoder, acts: bool) -> list[Example]:
    if not acts:
        return of_row(row, encoder)
    if row.get("prompt") is None:
        raise InputError("there is no prompt")
    encoder.encode_prompt(row["prompt"], **template_variables(row))
    return []


def _kind(example: Example) -> frozenset[tuple[str, bool]]:
    """The sides of an example, each with whether there is anything to learn on it: of a row that has only a prompt there is not."""
    return frozenset((name, bool(side if isinstance(side, tuple) else side.actions)) for name, side in example.sides.items())


def fresh(encoder: Encoder) -> Encoder:
    """The encoder, with nothing noticed so far."""
    return dataclasses.replace(encoder, truncated=dict.fromkeys(encoder.truncated, 0), noticed=Counter())


def _selected(rows: Sequence[Row], sound: list[int]) -> Sequence[Row]:
    if len(sound) == len(rows):
        return rows
    return rows.select(sound) if isinstance(rows, PlacedRows) else [rows[index] for index in sound]


def forgiven(task: Any, drop: frozenset[str]) -> Any:
    """The task, which leaves out by itself what it could not read where ``wrong`` rows are to be dropped."""
    return task.forgiving() if "wrong" in drop and hasattr(task, "forgiving") else task


def told_of(task: Any) -> list[str]:
    """What a task that was ``forgiven`` left out."""
    return [note for raw, wrong in getattr(task, "wrong", {}).values() for note in of_wrong(raw, "rows", wrong)]


def of_wrong(rows: Sequence[Row], called: str, wrong: Mapping[int, str]) -> list[str]:
    """How many rows are left out of which kind, the most frequent first, each with one of them."""
    if len(wrong) == len(rows) > 0:
        raise InputError(f"encoding.wrong: nothing can be learned from any of the {len(rows)} {called}; of the first: {wrong[0]}")
    if not wrong:
        return []
    kinds: dict[str, list[int]] = {}
    for index, why in wrong.items():
        kinds.setdefault(_VALUE.sub("", _first_part(why)), []).append(index)
    notes = [f"{len(wrong)} of {len(rows)} {called} cannot be learned from and are left out:"]
    for some in sorted(kinds.values(), key=len, reverse=True):
        at, source = place(rows, some[0], f"the {called}")
        notes.append(f"  {len(some)}: {_first_part(wrong[some[0]])} (row {at} of {source})")
    return notes


def _first_part(why: str) -> str:
    """What is wrong, without what to do about it."""
    return why.partition(";")[0]


_VALUE = re.compile(
    r"(?<!column )(?<!no )'[^']*'|\"[^\"]*\"|\d[\d.,]*|, and this one is.*"
)  # what differs among rows that are wrong in the same way
