"""What the rows of an attack are: prompts, with whatever they bring: a good answer and a bad one, one answer, several candidates (with what they are worth), a reference."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from guerdon.data.conversions._converted import as_messages
from guerdon.data.conversions._shapes import shape_of
from guerdon.errors import InputError
from guerdon.feedback.text import gold_text
from guerdon.interfaces.benching.answers import last_text, with_last_text
from guerdon.interfaces.benching.reading import CANDIDATES, read
from guerdon.interfaces.benching.scoring import named
from guerdon.randomness import derive
from guerdon.tasks.dataset import Dataset
from guerdon.tasks.encoding import is_conversational
from guerdon.tasks.rows import missing_column

REFERENCES = ("reference", "answer", "solution", "ground_truth")  # columns that hold one
_ANSWERS = {"prompt", "chosen", "rejected", "completion", "completions", "scores", "messages"}
_STEPS = ("stepwise", "first_errors", "step_ratings", "tagged_steps")


@dataclass(frozen=True)
class Item:
    """A prompt and what a row brings besides.

    Attributes:
        number: of the row in its file; -1: it was made of several.
        row: its columns besides prompt and answers, which rewards are told.
        good: an answer that is known to be better than ``own``, or None.
        own: the answer that is changed, or None: nothing was answered.
        reference: the reference answer, or "".
        candidates, golds: several answers, and what they are worth, where that is known.
    """

    number: int
    row: Mapping[str, Any]
    prompt: Any
    good: Any = None
    own: Any = None
    reference: str = ""
    candidates: tuple[Any, ...] = ()
    golds: tuple[float, ...] = ()

    @property
    def asked(self) -> str:
        """The text of what was asked last."""
        return last_text(self.prompt)

    @property
    def said(self) -> str:
        """The text of the answer that is changed, or ""."""
        return "" if self.own is None else last_text(self.own)

    def with_text(self, text: str) -> Any:
        """An answer that says this, in the form in which answers to the prompt come."""
        own = self.own if self.own is not None else self.good
        if own is None:
            own = [{"role": "assistant", "content": ""}] if is_conversational(self.prompt) else ""
        return with_last_text(own, text)


@dataclass
class Read:
    """Items, how many rows there were, and what was left out."""

    items: list[Item]
    rows: int
    left_out: dict[str, int] = field(default_factory=dict)

    @property
    def plain(self) -> bool:
        return isinstance(self.items[0].prompt, str)


def read_items(path: str, most: int | None, seed: int, chat: bool = False) -> Read:
    """The rows of a file, or so many of them, drawn.

    Raises:
        InputError: there is no prompt in them.
    """
    rows = Dataset(path, shuffle=False).train()
    first = next((row for row in rows if shape_of(row) is not None), rows[0])
    shape = shape_of(first)
    if shape in _STEPS:
        raise InputError(
            f"the rows of {path} are solutions in steps, and an attack changes whole answers; give prompts with answers (prompt, chosen, rejected), one answer "
            "each (prompt, completion), or prompts alone"
        )
    single = {"prompt_completion": _answered, "ranking": _ranked}
    bare = shape is None and not {"chosen", "rejected"} & set(first)
    found = _each(rows, path, single.get(shape, _asked), chat) if shape in single or bare else _compared(path, chat)
    if not found.items:
        raise InputError(f"nothing is left of the rows of {path}: {'; '.join(f'{why} ({count})' for why, count in found.left_out.items())}")
    if most is not None and most < len(found.items):
        drawn = np.random.default_rng(derive(seed, "attacked rows")).permutation(len(found.items))[:most]
        found.items = [found.items[i] for i in sorted(drawn)]
    return found


def _compared(path: str, chat: bool) -> Read:
    """Rows that say which answer is better, of whatever shape."""
    from guerdon.data.formats.preference import split

    rows, out = read(path, chat=chat), []
    for index, row in enumerate(rows.rows):
        with named(rows.numbers[index], path):
            if rows.kind == CANDIDATES:
                scores = list(row["scores"])
                if set(scores) != {0, 1}:
                    rows.left_out["not some right and some wrong answers"] = (
                        rows.left_out.get("not some right and some wrong answers", 0) + 1
                    )
                    continue
                prompt, answers = row["prompt"], list(row["completions"])
                good, own = answers[scores.index(1)], answers[scores.index(0)]
            else:
                prompt, good, own = split(row)
                answers, scores = [], []
        out.append(_item(rows.numbers[index], row, prompt, good=good, own=own, candidates=tuple(answers), golds=tuple(map(float, scores))))
    return Read(out, rows.read, rows.left_out)


def _each(rows: Sequence[Mapping[str, Any]], path: str, make: Any, chat: bool) -> Read:
    """Rows with a prompt, one by one."""
    items, left_out = [], {}
    for index, row in enumerate(rows):
        if "prompt" not in row:
            raise InputError(f"row {index} of {path} {missing_column('prompt', row)}")
        if not isinstance(row["prompt"], str | list) or not row["prompt"]:
            left_out["nothing in column 'prompt'"] = left_out.get("nothing in column 'prompt'", 0) + 1
            continue
        items.append(_spoken(make(index, row)) if chat else make(index, row))
    return Read(items, len(rows), left_out)


def _asked(index: int, row: Mapping[str, Any]) -> Item:
    several = row.get("completions")
    if isinstance(several, list) and several:
        return _item(index, row, row["prompt"], own=several[0], candidates=tuple(several))
    return _item(index, row, row["prompt"])


def _answered(index: int, row: Mapping[str, Any]) -> Item:
    return _item(index, row, row["prompt"], own=row.get("completion") or None)


def _ranked(index: int, row: Mapping[str, Any]) -> Item:
    answers, scores = list(row.get("completions") or []), row.get("scores")
    if not isinstance(scores, list) or len(scores) != len(answers) or not all(isinstance(s, int | float) for s in scores) or not answers:
        return _asked(index, row)
    best, worst = int(np.argmax(scores)), int(np.argmin(scores))
    good = answers[best] if scores[best] > scores[worst] else None
    return _item(index, row, row["prompt"], good=good, own=answers[worst], candidates=tuple(answers), golds=tuple(map(float, scores)))


def _item(number: int, row: Mapping[str, Any], prompt: Any, **answers: Any) -> Item:
    told = {str(name): value for name, value in row.items() if name not in _ANSWERS}
    reference = next((text for name in REFERENCES if (text := gold_text(row.get(name))) is not None), "")
    return Item(number, told, prompt, reference=reference, **answers)


def _spoken(item: Item) -> Item:
    """Plain texts as turns of a conversation."""
    if not isinstance(item.prompt, str):
        return item
    own, good = (None if answer is None else as_messages(answer, "assistant") for answer in (item.own, item.good))
    return replace(
        item,
        prompt=as_messages(item.prompt, "user"),
        own=own,
        good=good,
        candidates=tuple(as_messages(c, "assistant") for c in item.candidates),
    )
