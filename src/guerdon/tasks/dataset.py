"""Dataset: rows from a file, a folder or the hub.

    path: x.jsonl, x.json, x.csv, x.parquet (each also .gz, but for Parquet)    a file; ``test_path`` is another
          a folder                                              files whose names begin with ``split`` and ``test_split``
          owner/name                                            a dataset of the hub, through ``datasets`` (extra ``data``)

What is held out: the rows of ``test_path``; else ``held_out`` of the rows (a share below 1 or a number of rows), drawn by the seed in whole
groups, so that no question is on both sides; else the split called ``test_split``, if there is one; else nothing.

Source: column names as in TRL's dataset formats. Defaults: none is tuned; ``split`` and ``test_split`` are the hub's usual names.
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from string import Formatter
from typing import Any

import torch

from guerdon.errors import InputError
from guerdon.parts import needs
from guerdon.randomness import derive, generator
from guerdon.tasks import _files
from guerdon.tasks.rows import Row, at_row, missing_column, require

# What a reward in TRL's signature is given besides columns of the data.
NOT_COLUMNS = {"prompts", "completions", "completion_ids", "trainer_state", "log_extra", "log_metric", "environments"}


@dataclass(frozen=True)
class Dataset:
    """Rows of a file, a folder or the hub.

    Attributes:
        path, test_path: where the rows are, and those that are held out.
        name: the configuration of a dataset of the hub.
        split, test_split: the splits of a folder or of the hub.
        columns: new name to the name there: ``{"prompt": "question"}``.
        prompt: a format string over the columns, such as "{question}\\nAnswer:"; its result is the column ``prompt``.
        system: what the system says first; the prompt becomes a conversation.
        chat: make the prompt a conversation (one user turn) without a system turn.
        answer: a regular expression; its first group, found in the column ``answer``, replaces it ("#### (.+)" for GSM8K).
        required: columns in which every row must have something; those that the reward reads are required in any case.
        held_out: share (< 1) or number of rows to hold out.
        group: the column (its old or new name) whose equal values are held out together; None: the prompt, or the whole row without one.
        max_rows, max_test_rows: at most so many, after shuffling.
        shuffle: put the rows into the order of the seed; off: that of the file.
        reward: how answers are judged; None: the recipe says.
    """

    path: str
    test_path: str | None = None
    name: str | None = None
    split: str = "train"
    test_split: str = "test"
    columns: Mapping[str, str] = field(default_factory=dict)
    prompt: str | None = None
    system: str | None = None
    chat: bool = False
    answer: str | None = None
    required: tuple[str, ...] = ()
    held_out: float = 0
    group: str | None = None
    max_rows: int | None = None
    max_test_rows: int | None = None
    shuffle: bool = True
    seed: int = 0
    reward: Any = None

    def __post_init__(self) -> None:
        if self.held_out < 0 or (self.held_out >= 1 and self.held_out != int(self.held_out)):
            raise InputError(f"held_out={self.held_out} must be a share below 1 or a whole number of rows")
        if self.held_out and self.test_path:
            raise InputError("give test_path or held_out, not both: they are two ways to say which rows are held out")

    def train(self) -> list[Row]:
        """The rows to learn from."""
        rows = self._rows(self.path, self.split)
        if self.held_out:
            rows = [row for row, out in zip(rows, self._held_out(rows), strict=True) if not out]
            if not rows:
                raise InputError(f"held_out={self.held_out} leaves no row of {self.path} to learn from; hold out fewer")
        return self._ordered(rows, self.max_rows, "train")

    def test(self) -> list[Row]:
        """The rows held out; none if nothing says which."""
        if self.test_path:
            rows = self._rows(self.test_path, self.test_split)
        elif self.held_out:
            rows = self._rows(self.path, self.split)
            rows = [row for row, out in zip(rows, self._held_out(rows), strict=True) if out]
        elif Path(self.path).is_file() or not (rows := self._rows(self.path, self.test_split, optional=True)):
            return []
        return self._ordered(rows, self.max_test_rows, "test")

    def _rows(self, path: str, split: str, optional: bool = False) -> list[Row]:
        raw = _load(path, self.name, split, optional)
        if optional and not raw:
            return []
        if not raw:
            raise InputError(f"{path} has no rows; check the path and the split")
        rows = []
        for index, row in enumerate(raw):
            with at_row(index, path):
                rows.append(self._row(row))
        read = set() if self.reward is None else needs(self.reward) - NOT_COLUMNS
        require(rows, sorted({*self.required, *read, *(["answer"] if self.answer else [])}), path)
        return rows

    def _row(self, row: Row) -> Row:
        for there in self.columns.values():
            if there not in row:
                raise InputError(f"the row {missing_column(there, row)}")
        renamed = {there for new, there in self.columns.items()}
        out = {k: v for k, v in row.items() if k not in renamed} | {new: row[there] for new, there in self.columns.items()}
        if self.prompt is not None:
            out["prompt"] = self._formatted({**row, **out})
        if self.answer is not None:
            out["answer"] = self._answer(out)
        return self._as_chat(out) if self.chat or self.system is not None else out

    def _formatted(self, row: Row) -> str:
        try:
            names = [name for _, name, _, _ in Formatter().parse(self.prompt) if name is not None]
        except ValueError as error:
            raise InputError(f"prompt={self.prompt!r} is no format string ({error}); write {{{{ and }}}} for braces themselves") from error
        for name in names:
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

    def _held_out(self, rows: Sequence[Row]) -> list[bool]:
        """Which rows are held out: whole groups, in the order of a hash, until there are enough rows."""
        group = {there: new for new, there in self.columns.items()}.get(self.group, self.group)
        if group is not None and group not in rows[0]:
            raise InputError(f"group={self.group!r}: {self.path} {missing_column(group, rows[0])}")
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

    def _ordered(self, rows: list[Row], most: int | None, side: str) -> list[Row]:
        if self.shuffle:
            rows = [rows[i] for i in torch.randperm(len(rows), generator=generator(self.seed, "rows", side)).tolist()]
        return rows[:most]


def _key(row: Row, group: str | None) -> str:
    value = row.get(group or "prompt", row)
    return hashlib.blake2b(json.dumps(value, sort_keys=True, default=str).encode(), digest_size=16).hexdigest()


def _load(path: str, name: str | None, split: str, optional: bool) -> list[Row]:
    """The rows of one split, wherever it is."""
    place = Path(path).expanduser()
    if place.is_file():
        if _files.kind(place) is None:
            raise InputError(f"{path} is none of the files that can be read (.jsonl, .json, .csv, .parquet, .gz); convert it")
        return _files.read(place)
    if place.is_dir():
        found = sorted(f for f in place.rglob("*") if f.is_file() and _files.kind(f))
        own = [f for f in found if f.relative_to(place).parts[0].startswith(split) or f.name.startswith(split)]
        if not own and not optional:
            names = ", ".join(str(f.relative_to(place)) for f in found[:8]) or "no .jsonl, .json, .csv or .parquet file"
            raise InputError(f"no file in {path} begins with {split!r} (there: {names}); name the file itself, or set split")
        return [row for file in own for row in _files.read(file)]
    if _files.kind(place) or path.count("/") > 1 or path.startswith((".", "~", "/")):
        near = get_close_matches(place.name, [f.name for f in place.parent.iterdir()] if place.parent.is_dir() else [], n=1, cutoff=0.5)
        raise InputError(
            f"there is no file or folder {path}" + (f"; did you mean {place.parent / near[0]}?" if near else "; check the path")
        )
    return _from_hub(path, name, split, optional)


def _from_hub(path: str, name: str | None, split: str, optional: bool) -> list[Row]:
    try:
        import datasets
    except ModuleNotFoundError as error:
        raise InputError(f"{path} is no file, and reading it from the hub needs the extra 'data': install guerdon[data]") from error
    try:
        if optional and split not in datasets.get_dataset_split_names(path, name):
            return []
        return datasets.load_dataset(path, name, split=split).to_list()
    except Exception as error:  # network, permissions, unknown names: datasets raises a dozen kinds
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise InputError(
            f"{path!r} is neither a file nor a folder here, and the hub does not give its split {split!r}: {reason}"
        ) from error
