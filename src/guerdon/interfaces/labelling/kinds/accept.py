"""Accept: one answer is accepted or rejected.

{"accept": true}  →  {prompt, completion, label}, and with soft the share of those who accept it
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from guerdon.data.formats.unpaired import verdict
from guerdon.errors import InputError
from guerdon.interfaces.labelling.kinds._shared import Shared, field, most, short
from guerdon.interfaces.labelling.reading import Item, Row, has_one, single


@dataclass(frozen=True)
class Accept(Shared):
    soft: ClassVar[bool] = True

    def __call__(self, row: Row) -> Item:
        return single(row)

    def fits(self, row: Row) -> bool:
        return has_one(row)

    def known(self, row: Row, item: Item) -> dict[str, Any]:
        if row.get("label") is None:
            raise InputError("the row knows no answer: give it a column 'label' (true or false)")
        return {"accept": verdict(row["label"]) >= 0.5}

    def read(self, given: Any, item: Item, order: Sequence[int]) -> dict[str, Any]:
        accept = field(given, "accept")
        if not isinstance(accept, bool):
            raise InputError(f"accept is true or false, not {short(accept)}")
        return {"accept": accept}

    def back(self, answer: Any, item: Item, order: Sequence[int]) -> dict[str, Any]:
        return dict(answer)

    def units(self, answer: Any, item: Item) -> dict[str, dict[str, float]]:
        return {"accept": {"": float(answer["accept"])}}

    def merged(self, answers: Sequence[Any], item: Item, soft: bool) -> dict[str, Any]:
        votes = [answer["accept"] for answer in answers]
        return item.asked | {"completion": item.answers[0], "label": sum(votes) / len(votes) if soft else most(votes)}

    def said(self, answer: Any) -> str:
        return "accepted" if answer["accept"] else "rejected"
