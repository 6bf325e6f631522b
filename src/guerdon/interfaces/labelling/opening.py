"""Opening: a file of rows, what is to be asked, and a store, put together; a store of something else is refused."""

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from guerdon.errors import InputError
from guerdon.interfaces.labelling.assigning import Assigning, Plan
from guerdon.interfaces.labelling.kinds import Answer, Kind, described, kind_for, kind_of, restored
from guerdon.interfaces.labelling.ledger import Ledger
from guerdon.interfaces.labelling.orders import order_of
from guerdon.interfaces.labelling.reading import Item, Row
from guerdon.interfaces.labelling.session import Session
from guerdon.interfaces.labelling.store import FILE, digest, kept, read
from guerdon.tasks.rows import at_row, place

GOLD = "gold-"  # with which the names of gold questions begin; rows are called by their index


@dataclass(frozen=True)
class Wanted:
    """What a command says is to be labelled, and how.

    Attributes:
        kind: its name; None: that of the store, else that which the first row looks made for.
        settings: those of the kind that were given.
        seed: of every order; None: that of the store, else 0.
    """

    rows: Sequence[Row]
    where: str
    kind: str | None
    settings: dict[str, Any]
    seed: int | None = None


@contextmanager
def opened(wanted: Wanted, folder: Path, gold: Sequence[Row], gold_where: str, plan: Plan, order: str) -> Iterator[Session]:
    """To label: a session that goes on where the store in ``folder`` ends.

    Raises:
        InputError: a row cannot be labelled so, a gold question knows no answer, or the store is in use or of other rows or of another kind.
    """
    ordering = order_of(order)
    about = {}
    if (folder / FILE).exists():
        with read(folder) as store:
            about = store.about()
    kind, seed = _kind(wanted, about)  # what cannot be asked of these rows is said before there is a store
    items, known = _items(kind, wanted.rows, wanted.where), _known(kind, gold, gold_where)
    with kept(folder) as store:
        if next(store.entries(), None) is None:
            store.describe({"version": 1, "kind": described(kind), "rows": digest(wanted.rows), "file": wanted.where, "seed": seed})
        _same(store.about(), wanted, kind, folder)
        assigning = Assigning(kind, items, list(known), plan, seed, store.leases(time.time()))
        yield Session(wanted.rows, items, known, kind, store, ordering, assigning, seed)


@contextmanager
def looked_into(
    wanted: Wanted, folder: Path, gold: Sequence[Row] = (), gold_where: str = ""
) -> Iterator[tuple[Kind, dict[str, Item], dict, Ledger]]:
    """To read: kind, items, gold questions and what stands, also while a server goes on."""
    with read(folder) as store:
        about = store.about()
        kind, _ = _kind(wanted, about)
        _same(about, wanted, kind, folder)
        ledger = Ledger()
        for entry in store.entries():
            ledger.add(entry)
        yield kind, _items(kind, wanted.rows, wanted.where), _known(kind, gold, gold_where), ledger


def _kind(wanted: Wanted, about: dict[str, Any]) -> tuple[Kind, int]:
    """The kind and the seed: of the store, where nothing else is asked for."""
    seed = about.get("seed", 0) if wanted.seed is None else wanted.seed
    if about and wanted.kind in (None, about["kind"]["kind"]) and not wanted.settings:
        return restored(about["kind"]), seed
    name = wanted.kind or (about["kind"]["kind"] if about else kind_for(wanted.rows[0]))
    return kind_of(name, **wanted.settings), seed


def _same(about: dict[str, Any], wanted: Wanted, kind: Kind, folder: Path) -> None:
    if not about:
        return
    said, asked = about["kind"], described(kind)
    if said != asked:
        what = ", ".join(f"{name} {json.dumps(value)}" for name, value in said.items())
        raise InputError(f"{folder} holds labels of another kind ({what}); leave --kind and its settings out, or give another --store")
    if about["rows"] != digest(wanted.rows):
        raise InputError(
            f"{folder} holds labels of other rows ({about['file']}), or these rows were changed since; give the file that was labelled, or another --store"
        )
    if wanted.seed is not None and wanted.seed != about["seed"]:
        raise InputError(f"{folder} was begun with --seed {about['seed']}; leave --seed out, or give another --store")


def _items(kind: Kind, rows: Sequence[Row], where: str) -> dict[str, Item]:
    found = {}
    for index, row in enumerate(rows):
        with at_row(*place(rows, index, where)):
            found[str(index)] = kind(row)
    return found


def _known(kind: Kind, gold: Sequence[Row], where: str) -> dict[str, tuple[Item, Answer]]:
    """Gold questions by what they say, so that a file of them may grow."""
    found = {}
    for index, row in enumerate(gold):
        with at_row(*place(gold, index, where)):
            item = kind(row)
            found[GOLD + digest([row])[:16]] = (item, kind.known(row, item))
    return found
