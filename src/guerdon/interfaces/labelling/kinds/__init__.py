"""Kinds: what is asked of a person about a row. A row → an item; what the page sent → an answer; answers → how far apart they are, and columns.

An answer is a table of plain values in the coordinates of the file; what the page sends and shows is in those of the order in which it shows the answers.
Beside each kind stands the script of its page, ``<name>.js``, which calls ``page.kind(...)``.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Protocol

from guerdon.catalogue import names_in, resolve, unknown
from guerdon.errors import InputError
from guerdon.evaluation.distances import Distance
from guerdon.interfaces.labelling.reading import Item, Row

Answer = Mapping[str, Any]
Order = Sequence[int]


class Kind(Protocol):
    """A row → what is shown of it.

    Attributes:
        distance: on which scale the values of ``units`` are.
        tolerance: how far ``apart`` two answers may be and still agree.
        soft: whether ``merged`` can keep how many were of which opinion.
    """

    distance: ClassVar[Distance]
    tolerance: ClassVar[float]
    soft: ClassVar[bool]

    def __call__(self, row: Row) -> Item:
        """Raises InputError for a row that it does not take."""
        ...

    def fits(self, row: Row) -> bool:
        """Whether a row looks as if it were to be labelled so, where nobody says how."""
        ...

    def known(self, row: Row, item: Item) -> Answer:
        """The answer that a gold question's row knows, in the columns of ``merged``. Raises InputError where it knows none."""
        ...

    def shown(self, item: Item, order: Order) -> dict[str, Any]:
        """What the page gets."""
        ...

    def read(self, given: Any, item: Item, order: Order) -> Answer:
        """What the page sent. Raises InputError where it is no answer."""
        ...

    def back(self, answer: Answer, item: Item, order: Order) -> dict[str, Any]:
        """An answer as the page would send it: what ``read`` reads."""
        ...

    def units(self, answer: Answer, item: Item) -> dict[str, dict[str, float]]:
        """Scale → place → value: what alpha compares, place by place, for each scale by itself."""
        ...

    def apart(self, one: Answer, other: Answer, item: Item) -> float:
        """From 0, the same, to 1."""
        ...

    def preferred_first(self, answer: Answer, order: Order) -> bool | None:
        """Whether what was shown first was preferred; None where the answer says nothing of the kind."""
        ...

    def merged(self, answers: Sequence[Answer], item: Item, soft: bool) -> dict[str, Any]:
        """The columns of a row that several answers make. Raises LeftOut where they make none."""
        ...

    def said(self, answer: Answer) -> str:
        """An answer in a few words, for who reads the overview."""
        ...


ROOM = "interfaces.labelling.kinds"


def kind_of(name: str, **settings: Any) -> Kind:
    """The kind of that name.

    Raises:
        InputError: there is none, or it has no such setting.
    """
    if name not in (known := names_in(ROOM)):
        raise InputError(f"--kind: {unknown('kind', name, known)}")
    part = resolve(name, ROOM)
    wrong = next((setting for setting in settings if setting not in {f.name for f in dataclasses.fields(part)}), None)
    if wrong is not None:
        raise InputError(f"--{wrong.replace('_', '-')}: to {name} has no such setting; leave it out, or give another --kind")
    return part(**settings)


def kind_for(row: Row) -> str:
    """The name of the one kind that a row looks to be made for.

    Raises:
        InputError: there is none, or more than one.
    """
    fitting = [name for name in names_in(ROOM) if resolve(name, ROOM)().fits(row)]
    if len(fitting) != 1:
        raise InputError(
            f"the columns {', '.join(map(str, row))} do not say how they are to be labelled; give --kind ({', '.join(names_in(ROOM))})"
        )
    return fitting[0]


def described(kind: Kind) -> dict[str, Any]:
    """A kind as a store keeps it."""
    name = type(kind).__module__.rsplit(".", 1)[1]
    return {"kind": name} | {f.name: list(v) if isinstance(v := getattr(kind, f.name), tuple) else v for f in dataclasses.fields(kind)}


def restored(said: Mapping[str, Any]) -> Kind:
    """What ``described`` described."""
    settings = {name: tuple(value) if isinstance(value, list) else value for name, value in said.items() if name != "kind"}
    return kind_of(said["kind"], **settings)
