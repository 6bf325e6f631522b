"""Compare: which of two answers is better; a tie, or both bad.

    {"better": 0, 1, "tie" or "both_bad"}  →  {prompt, chosen, rejected}, and with soft {preference}: the share of votes for the chosen, a tie half for each

Left out of the rows: ties (where not soft), both bad, and what annotators are divided on.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from guerdon.data.conversions._converted import LeftOut
from guerdon.errors import InputError
from guerdon.interfaces.labelling.kinds._shared import Shared, field, most, short
from guerdon.interfaces.labelling.reading import Item, Row, has_two, several

WORDS = ("tie", "both_bad")
_WINNERS = {"a": 0, "b": 1, "first": 0, "second": 1, "tie": "tie", "both_bad": "both_bad", "both bad": "both_bad", "neither": "both_bad"}


@dataclass(frozen=True)
class Compare(Shared):
    soft: ClassVar[bool] = True

    def __call__(self, row: Row) -> Item:
        item = several(row)
        if len(item.answers) != 2:
            raise InputError(f"two answers are compared, and the row has {len(item.answers)}; rank them instead (--kind rank)")
        return item

    def fits(self, row: Row) -> bool:
        return has_two(row)

    def known(self, row: Row, item: Item) -> dict[str, Any]:
        if "winner" in row:
            said = str(row["winner"]).strip().lower()
            if said not in _WINNERS:
                raise InputError(f"column 'winner' holds {short(row['winner'])}; write a, b, tie or both_bad")
            return {"better": _WINNERS[said]}
        if "chosen" not in row:
            raise InputError("the row knows no answer: give it chosen and rejected, or a column 'winner' (a, b, tie or both_bad)")
        return {"better": 0}

    def read(self, given: Any, item: Item, order: Sequence[int]) -> dict[str, Any]:
        better = field(given, "better")
        if isinstance(better, str) and better in WORDS:
            return {"better": better}
        if type(better) is not int or better not in (0, 1):
            raise InputError(f"what is better is 0, 1, 'tie' or 'both_bad', not {short(better)}")
        return {"better": order[better]}

    def back(self, answer: Any, item: Item, order: Sequence[int]) -> dict[str, Any]:
        better = answer["better"]
        return {"better": better if better in WORDS else list(order).index(better)}

    def preferred_first(self, answer: Any, order: Sequence[int]) -> bool | None:
        return None if answer["better"] in WORDS else answer["better"] == order[0]

    def units(self, answer: Any, item: Item) -> dict[str, dict[str, float]]:
        return {"better": {"": float((0, 1, *WORDS).index(answer["better"]))}}

    def merged(self, answers: Sequence[Any], item: Item, soft: bool) -> dict[str, Any]:
        if item.answers[0] == item.answers[1]:
            raise LeftOut("both answers are the same")
        votes = [answer["better"] for answer in answers]
        if not soft:
            better, more = most(votes), {}
            if better in WORDS:
                raise LeftOut({"tie": "a tie", "both_bad": "both bad"}[better])
        else:
            decided = [vote for vote in votes if vote != "both_bad"]
            if 2 * len(decided) <= len(votes):
                raise LeftOut("both bad")
            share = sum(1.0 if vote == 0 else 0.5 if vote == "tie" else 0.0 for vote in decided) / len(decided)
            better, more = int(share < 0.5), {"preference": max(share, 1 - share)}
        return item.asked | {"chosen": item.answers[better], "rejected": item.answers[1 - better]} | more

    def said(self, answer: Any) -> str:
        return {0: "first of the file", 1: "second of the file", "tie": "tie", "both_bad": "both bad"}[answer["better"]]
