"""Dataset: rows from files, a folder, the hub, or an object of Python.

    path: x.jsonl, x.json, x.csv, x.tsv, x.parquet, x.arrow, x.feather    a file, each also compressed (.gz, .zst, .bz2, .xz); ``test_path`` is another
          data/*.jsonl, [a.jsonl, b.csv]                          several files, one after the other
          a folder                                                files whose names begin with ``split`` and ``test_split``; or what ``datasets`` saved
          owner/name                                              a dataset of the hub, through ``datasets`` (extra ``data``)
          [{...}, ...], datasets.Dataset, a data frame, a table   rows of an object of Python; a mapping or DatasetDict of such holds splits

What is held out: the rows of ``test_path``; else ``held_out`` of the rows (a share below 1 or a number of rows), drawn by the seed in whole
groups, so that no question is on both sides; else the split called ``test_split``, if there is one; else nothing.

Source: column names as in TRL's dataset formats. Defaults: none is tuned; ``split`` and ``test_split`` are the hub's usual names.
"""

import contextlib
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from string import Formatter
from typing import Any

import torch

from guerdon.catalogue import resolve
from guerdon.errors import InputError
from guerdon.parts import needs
from guerdon.randomness import derive, generator
from guerdon.tasks._files.table import TEXTS
from guerdon.tasks._objects import Given, holds_rows
from guerdon.tasks._places import is_file, load
from guerdon.tasks.rows import PlacedRows, Row, at_row, missing_column, require

# What a reward in TRL's signature is given besides columns of the data.
NOT_COLUMNS = {"prompts", "completions", "completion_ids", "trainer_state", "log_extra", "log_metric", "environments"}


@dataclass(frozen=True)
class Dataset:
    """Rows of files, a folder, the hub or an object.

    Attributes:
        path, test_path: where the rows are, and those that are held out.
        name: the configuration of a dataset of the hub.
        split, test_split: the splits of a folder or of the hub.
        columns: new name to the name there: ``{"prompt": "question"}``; what a column holds as a table, or as the JSON of one, is named with points:
            ``{"answer": "reward_model.ground_truth"}``.
        texts: columns of .csv and .tsv files (their names there) that hold text even where all of it looks like numbers. Those that are called so
            (``answer``, ``prompt`` ...), those that ``columns`` calls so, and those that ``prompt`` reads are text in any case.
        convert: the format that the rows are turned into (``unpaired``, ``pairs``, ``messages`` ...), as by ``guerdon convert``, once their columns have
            their new names.
        prompt: a format string over the columns, such as "{question}\\nAnswer:"; its result is the column ``prompt``.
        system: what the system says first; the prompt becomes a conversation.
        chat: make the prompt a conversation (one user turn) without a system turn.
        answer: a regular expression; its first group, found in the column ``answer``, replaces it ("#### (.+)" for GSM8K).
        required: columns in which every row must have something; those that the reward reads are required in any case.
        held_out: share (< 1) or number of rows to hold out.
        group: the column (its old or new name) whose equal values are held out together; None: the prompt, or the whole row without one.
        max_rows, max_test_rows: at most so many, after shuffling.
        streaming: take the first ``max_rows`` rows of a file, a folder or a dataset of the hub, and read or download no more (of several places, of each).
        shuffle: put the rows into the order of the seed; off: that of the file.
        reward: how answers are judged; None: the recipe says.
    """

    path: str | tuple[str, ...]
    test_path: str | tuple[str, ...] | None = None
    name: str | None = None
    split: str = "train"
    test_split: str = "test"
    columns: Mapping[str, str] = field(default_factory=dict)
    texts: tuple[str, ...] = ()
    convert: str | None = None
    prompt: str | None = None
    system: str | None = None
    chat: bool = False
    answer: str | None = None
    required: tuple[str, ...] = ()
    held_out: float = 0
    group: str | None = None
    max_rows: int | None = None
    max_test_rows: int | None = None
    streaming: bool = False
    shuffle: bool = True
    seed: int = 0
    reward: Any = None

    def __post_init__(self) -> None:
        for side in ("path", "test_path"):
            if not _names_files(place := getattr(self, side)):
                object.__setattr__(self, side, Given(place))
        if self.held_out < 0 or (self.held_out >= 1 and self.held_out != int(self.held_out)):
            raise InputError(f"held_out={self.held_out} must be a share below 1 or a whole number of rows")
        if self.held_out and self.test_path:
            raise InputError("give test_path or held_out, not both: they are two ways to say which rows are held out")
        for name in ("max_rows", "max_test_rows"):
            if getattr(self, name) is not None and getattr(self, name) < 1:
                raise InputError(f"{name}={getattr(self, name)} must be at least 1; leave it out for all rows")
        if self.streaming and self.max_rows is None:
            raise InputError("streaming takes the first rows of a dataset: say how many with max_rows")

    def train(self) -> Sequence[Row]:
        """The rows to learn from."""
        if self.held_out:
            return self.sides()[0]
        return self._ordered(self._rows(self.path, self.split, first=self.max_rows), self.max_rows, "train")

    def test(self) -> Sequence[Row]:
        """The rows held out; none if nothing says which."""
        if self.held_out:
            return self.sides()[1]
        if self.test_path:
            rows = self._rows(self.test_path, self.test_split, first=self.max_test_rows)
        elif is_file(self.path) or not (rows := self._rows(self.path, self.test_split, optional=True, first=self.max_test_rows)):
            return []
        return self._ordered(rows, self.max_test_rows, "test")

    def sides(self) -> tuple[Sequence[Row], Sequence[Row]]:
        """``train()`` and ``test()``, of one reading where they are rows of one place: a million rows are then there once."""
        if not self.held_out:
            return self.train(), self.test()
        rows = self._rows(self.path, self.split, first=self.max_rows)
        out = self._held_out(rows)
        kept, held = (rows.select([i for i, held in enumerate(out) if held == wanted]) for wanted in (False, True))
        if not len(kept):
            raise InputError(
                f"held_out={self.held_out:g} leaves no row of {self._called(self.path)} to learn from (those with one prompt stay together); hold out fewer"
            )
        return self._ordered(kept, self.max_rows, "train"), self._ordered(held, self.max_test_rows, "test")

    def _rows(self, path: Any, split: str, optional: bool = False, first: int | None = None) -> PlacedRows:
        found = load(path, self.name, split, self._texts, optional, first if self.streaming else None)
        raw = PlacedRows.of(found)
        if optional and not raw:
            return raw
        if not raw:
            raise InputError(f"{self._called(path)} has no rows; check the path and the split")
        if self.convert is not None:
            found = self._converted(raw, path)
            raw = PlacedRows.of([(f"{self._called(path)} as {self.convert}", found.rows)])
        rows = self._made(raw)
        require(rows, self._read, self._called(path))
        return rows

    def _made(self, raw: PlacedRows) -> PlacedRows:
        """The rows as they are learned from."""
        made = []
        for index, row in enumerate(raw):
            with at_row(*raw.place(index)):
                made.append(self._row(row, row if self.convert is not None else self._renamed(row)))
        return raw.replaced(made)

    @property
    def _read(self) -> list[str]:
        """Columns in which every row must have something."""
        read = set() if self.reward is None else needs(self.reward) - NOT_COLUMNS
        return sorted({*self.required, *read, *(["answer"] if self.answer else [])})

    def forgiving(self) -> "Dataset":
        """The same, which leaves out the rows that cannot be read as it says, and remembers why, where this one refuses the first of them."""
        from guerdon.tasks._forgiving import Forgiving

        return Forgiving(self)

    @property
    def _texts(self) -> set[str]:
        """Columns of tables that hold text, by their names there."""
        renamed = {there for new, there in self.columns.items() if new in TEXTS}
        return {*self.texts, *renamed, *(formatted(self.prompt) if self.prompt is not None else ())}

    @staticmethod
    def _called(path: Any) -> str:
        return path if isinstance(path, str) else str(path) if isinstance(path, Given) else ", ".join(map(str, path))

    def notes(self) -> list[str]:
        """What the user is to be told of the rows: what ``convert`` left out, and why."""
        if self.convert is None:
            return []
        raw = PlacedRows.of(load(self.path, self.name, self.split, self._texts, False, self.max_rows if self.streaming else None))
        left_out = self._converted(raw, self.path).left_out
        return [f"{count} rows of {self._called(self.path)} are left out as {self.convert}: {reason}" for reason, count in left_out.items()]

    def _converted(self, raw: PlacedRows, path: Any) -> Any:
        renamed = []
        for index, row in enumerate(raw):
            with at_row(*raw.place(index)):
                renamed.append(self._renamed(row))
        return resolve("converting", "data")(self.convert)(renamed, where=self._called(path))

    def _renamed(self, row: Row) -> Row:
        named = {new: _within(row, there) for new, there in self.columns.items()}
        renamed = {there for new, there in self.columns.items()}
        if not renamed and self.prompt is None and self.answer is None and type(row) is dict:
            return row  # nothing is written into it
        return {k: v for k, v in row.items() if k not in renamed} | named

    def _row(self, row: Row, out: Row) -> Row:
        """The row as it is learned from: ``row`` as it was read, ``out`` under its new names."""
        if self.prompt is not None:
            out["prompt"] = self._formatted({**row, **out})
        if self.answer is not None:
            out["answer"] = self._answer(out)
        return self._as_chat(out) if self.chat or self.system is not None else out

    def _formatted(self, row: Row) -> str:
        for name in formatted(self.prompt):
            if name not in row:
                raise InputError(f"the prompt's format reads a column that the row has not: it {missing_column(name, row)}")
            if not isinstance(row[name], str | int | float):
                raise InputError(f"the prompt's format reads column {name!r}, which holds no text but a {type(row[name]).__name__}")
        return self.prompt.format_map(row)

    def _answer(self, row: Row) -> Any:
        if "answer" not in row:
            raise InputError(f"the row {missing_column('answer', row)}")
        try:
            found = re.search(self.answer, str(row["answer"]), re.DOTALL)
        except re.error as error:
            raise InputError(f"answer={self.answer!r} is no regular expression ({error})") from error
        if found is None:
            raise InputError(f"no answer: {self.answer!r} is nowhere in column 'answer', which ends in {str(row['answer'])[-40:]!r}")
        return (found.group(1) if found.re.groups else found.group(0)).strip()

    def _as_chat(self, row: Row) -> Row:
        if not isinstance(row.get("prompt"), str):
            said = missing_column("prompt", row) if "prompt" not in row else "has a prompt that is no string"
            raise InputError(f"chat and system make a conversation of a prompt that is a string, and the row {said}")
        start = [] if self.system is None else [{"role": "system", "content": self.system}]
        spoken = {
            k: [{"role": "assistant", "content": row[k]}] for k in ("completion", "chosen", "rejected") if isinstance(row.get(k), str)
        }
        return {**row, **spoken, "prompt": [*start, {"role": "user", "content": row["prompt"]}]}

    def _held_out(self, rows: PlacedRows) -> list[bool]:
        """Which rows are held out: whole groups, in the order of a hash, until there are enough rows."""
        group = {there: new for new, there in self.columns.items()}.get(self.group, self.group)
        if group is not None and group not in rows[0]:
            raise InputError(f"group={self.group!r}: {self._called(self.path)} {missing_column(group, rows[0])}")
        keys = [_key(row, group) for row in rows]
        wanted = self.held_out if self.held_out >= 1 else round(self.held_out * len(rows)) or 1
        sizes: dict[str, int] = {}
        for key in keys:
            sizes[key] = sizes.get(key, 0) + 1
        out, count = set(), 0
        for key in sorted(sizes, key=lambda key: derive(self.seed, "held out", key)):
            if count >= wanted:
                break
            out.add(key)
            count += sizes[key]
        return [key in out for key in keys]

    def _ordered(self, rows: PlacedRows, most: int | None, side: str) -> PlacedRows:
        order = torch.randperm(len(rows), generator=generator(self.seed, "rows", side)).tolist() if self.shuffle else range(len(rows))
        return rows.select(order[:most])


def as_task(data: Any) -> Any:
    """A task as it is, and an object that holds rows as the task that has them."""
    return Dataset(data) if not hasattr(data, "train") and holds_rows(data) else data


def formatted(prompt: str) -> list[str]:
    """The columns that a format string reads."""
    try:
        return [name for _, name, _, _ in Formatter().parse(prompt) if name is not None]
    except ValueError as error:
        raise InputError(f"prompt={prompt!r} is no format string ({error}); write {{{{ and }}}} for braces themselves") from error


def _within(row: Row, there: str) -> Any:
    """What a row holds under a name: in a column, or within the table that a column holds.

    Raises:
        InputError: there is no such column, or nothing of that name in it.
    """
    if there in row:
        return row[there]
    column, *names = there.split(".")
    if not names or column not in row:
        raise InputError(f"the row {missing_column(column, row).partition('; rename')[0]}; what columns names is to be one of them")
    value = row[column]
    for name in names:
        if isinstance(value, str):
            with contextlib.suppress(ValueError, RecursionError):
                value = json.loads(value)
        if not isinstance(value, Mapping) or name not in value:
            held = f"holds {', '.join(sorted(map(str, value)))}" if isinstance(value, Mapping) else f"is {_short(value)}"
            raise InputError(f"there is no {name!r} in what column {column!r} holds, which columns names as {there!r}: it {held}")
        value = value[name]
    return value


def _short(value: Any) -> str:
    shown = repr(value)
    return shown if len(shown) <= 60 else f"{shown[:57]}..."


def _names_files(place: Any) -> bool:
    return (
        place is None
        or isinstance(place, str | Given)
        or (isinstance(place, list | tuple) and bool(place) and all(isinstance(p, str) for p in place))
    )


def _key(row: Row, group: str | None) -> str:
    value = row.get(group or "prompt", row)
    return hashlib.blake2b(json.dumps(value, sort_keys=True, default=str).encode(), digest_size=16).hexdigest()
