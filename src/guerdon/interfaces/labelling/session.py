"""Session: rows, a kind, a store and what stands in it, behind one lock. What the server is asked it asks here."""

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from guerdon.errors import InputError
from guerdon.interfaces.labelling.assigning import Assigning
from guerdon.interfaces.labelling.blind import order
from guerdon.interfaces.labelling.kinds import Answer, Kind
from guerdon.interfaces.labelling.ledger import Ledger
from guerdon.interfaces.labelling.orders import Order
from guerdon.interfaces.labelling.reading import Item, Row
from guerdon.interfaces.labelling.store import Entry, Store
from guerdon.randomness import derive

LONGEST = 10_000  # characters of a note


@dataclass
class Session:
    """``items``: those of the rows, by their index as a text. ``gold``: name → item and its known answer."""

    rows: Sequence[Row]
    items: Mapping[str, Item]
    gold: Mapping[str, tuple[Item, Answer]]
    kind: Kind
    store: Store
    ordering: Order
    assigning: Assigning
    seed: int
    ledger: Ledger = field(default_factory=Ledger)
    lock: Any = field(default_factory=threading.RLock)
    _order: tuple[int, Sequence[int]] | None = None
    _names: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for entry in self.store.entries():
            self.ledger.add(entry)
        self._names = {self._handle(name): name for name in (*self.items, *self.gold)}
        for item in list(self.ledger.labels):
            self.assigning.look_at(item, self.ledger)
        self._ordered()  # an order that these rows cannot have is refused before anybody is asked

    def task(self, annotator: str) -> dict[str, Any]:
        """What somebody is asked now, and how far they are."""
        with self.lock:
            now = time.time()
            name = self.assigning.next(annotator, self._ordered(), self.ledger, now)
            if name is None:
                return {"task": None, "waiting": self.assigning.may_come(annotator, self.ledger), "progress": self._progress(annotator)}
            self._leased(name, annotator, now)
            item = self._item(name)
            shown = self._shown(name, annotator)
            draft = self.ledger.drafts.get((annotator, name))
            before = None if draft is None else {"note": draft.note, "skipped": draft.what == "skip"}
            if before is not None and draft.answer is not None:
                before["answer"] = self.kind.back(draft.answer, item, shown)
            task = {"item": self._handle(name), "before": before} | self.kind.shown(item, shown)
            return {"task": task, "progress": self._progress(annotator)}

    def label(self, annotator: str, item: str, given: Any, note: str, seconds: float | None, key: str) -> None:
        """Keep a label. When this returns it is on the disk.

        Raises:
            InputError: there is no such item, it is labelled by them already, or this is no answer to it.
        """
        with self.lock:
            if (annotator, key) in self.ledger.keys:
                return
            name = self._to_do(annotator, item)
            shown = self._shown(name, annotator)
            answer = self.kind.read(given, self._item(name), shown)
            self._add(Entry(0, time.time(), annotator, name, "label", answer, shown, _note(note), _seconds(seconds), None, key))

    def skip(self, annotator: str, item: str, reason: str, seconds: float | None, key: str) -> None:
        """Keep that somebody would not label an item, and why; others may."""
        with self.lock:
            if (annotator, key) in self.ledger.keys:
                return
            name = self._to_do(annotator, item)
            self._add(Entry(0, time.time(), annotator, name, "skip", note=_note(reason), seconds=_seconds(seconds), key=key))

    def undo(self, annotator: str, key: str) -> None:
        """Take back what somebody did last; they are asked it again.

        Raises:
            InputError: there is nothing to take back.
        """
        with self.lock:
            if (annotator, key) in self.ledger.keys:
                return
            done = self.ledger.done.get(annotator)
            if not done:
                raise InputError("there is nothing to undo")
            last, now = done[-1], time.time()
            self._add(Entry(0, now, annotator, last.item, "undo", undoes=last.id, key=key))
            self._leased(last.item, annotator, now)

    def answers(self) -> dict[int, list[Answer]]:
        """The answers that stand, by row."""
        return {int(name): [e.answer for e in own.values()] for name, own in self.ledger.labels.items() if own and name in self.items}

    def _add(self, entry: Entry) -> None:
        self.ledger.add(self.store.add(entry))
        self.assigning.look_at(entry.item, self.ledger)
        self.assigning.release(entry.item, entry.annotator)

    def _item(self, name: str) -> Item:
        return self.items[name] if name in self.items else self.gold[name][0]

    def _handle(self, name: str) -> str:
        """What the page calls an item: nothing by which a gold question could be told."""
        return f"{derive(self.seed, 'handle', name):016x}"

    def _shown(self, name: str, annotator: str) -> tuple[int, ...]:
        return order(len(self._item(name).answers), self.seed, annotator, name)

    def _to_do(self, annotator: str, handle: str) -> str:
        """The name of an item that somebody has not done yet."""
        if handle not in self._names:
            raise InputError(f"there is no item {handle!r}; load the page again")
        if self.ledger.has_done(annotator, self._names[handle]):
            raise InputError("you have done this one already, perhaps in another window; undo leads back to it")
        return self._names[handle]

    def _leased(self, item: str, annotator: str, now: float) -> None:
        self.store.lease(item, annotator, *self.assigning.take(item, annotator, now, (annotator, item) in self.ledger.drafts))

    def _progress(self, annotator: str) -> dict[str, Any]:
        done = self.ledger.done.get(annotator, [])
        mine = sum(entry.what == "label" for entry in done)
        return {"mine": mine, "settled": len(self.assigning.settled), "total": len(self.items), "undo": bool(done)}

    def _ordered(self) -> Sequence[int]:
        """The order, asked again when there is a twentieth more to go by."""
        if self._order is None or (self.ordering.moves and self.ledger.count > self._order[0] * 1.05):
            found = self.ordering(self.rows, list(self.items.values()), self.answers(), self.kind, self.seed)
            self._order = (self.ledger.count, found)
        return self._order[1]


def _note(note: Any) -> str:
    if not isinstance(note, str) or len(note) > LONGEST:
        raise InputError(f"a note is a text of at most {LONGEST:,} characters")
    return note.strip()


def _seconds(seconds: Any) -> float | None:
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        return None
    return float(seconds) if 0 <= seconds < 1e6 else None
