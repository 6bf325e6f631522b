"""Orders: rows and what was said of them → in which order they are asked about."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Protocol

from guerdon.catalogue import names_in, resolve, unknown
from guerdon.errors import InputError
from guerdon.interfaces.labelling.kinds import Answer, Kind
from guerdon.interfaces.labelling.reading import Item, Row

ROOM = "interfaces.labelling.orders"


class Order(Protocol):
    """Rows, their items, the answers that stand (row → answers), the kind, a seed → the rows' indices, the first first.

    ``moves``: whether it depends on the answers, so that it is asked again when there are more.
    """

    moves: ClassVar[bool]

    def __call__(
        self, rows: Sequence[Row], items: Sequence[Item], answers: Mapping[int, Sequence[Answer]], kind: Kind, seed: int
    ) -> Sequence[int]: ...


def order_of(name: str) -> Any:
    """The order of that name.

    Raises:
        InputError: there is none.
    """
    if name not in (known := names_in(ROOM)):
        raise InputError(f"--order: {unknown('order', name, known)}")
    return resolve(name, ROOM)()
