"""Steps: each step of a solution is right (1), neutral (0) or wrong (-1).

    {"labels": [1, 1, -1]}  →  {prompt, completions: [step ...], labels: [true, true, false]}, and with soft the mean of each as a probability

A row's steps are the list ``completions``, or the parts of its one answer between ``separator``. With ``until_error`` what comes after the first wrong step is not
judged. A neutral step counts as a right one, as in PRM800K (arXiv 2305.20050). Annotators agree where none calls wrong what another calls right.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from guerdon.data.conversions._converted import LeftOut
from guerdon.data.formats.unpaired import verdict
from guerdon.errors import InputError
from guerdon.evaluation.distances import Distance
from guerdon.evaluation.distances.interval import Interval
from guerdon.interfaces.labelling.kinds._shared import Shared, field, short
from guerdon.interfaces.labelling.reading import Item, Row, plain, prompted, single

WRONG, NEUTRAL, RIGHT = -1, 0, 1


@dataclass(frozen=True)
class Steps(Shared):
    distance: ClassVar[Distance] = Interval()
    soft: ClassVar[bool] = True

    until_error: bool = False
    separator: str = "\n"

    def __post_init__(self) -> None:
        if not self.separator:
            raise InputError("--separator is empty; give what stands between two steps, such as '\\n\\n'")

    def __call__(self, row: Row) -> Item:
        given = row.get("completions")
        if given is not None:
            if not isinstance(given, list) or not given or not all(isinstance(step, str) and step.strip() for step in given):
                raise InputError(f"column 'completions' holds {short(given)}, where the steps of one solution are expected, each a text")
            return replace(prompted(row), parts=tuple(given))
        item = single(row)
        parts = tuple(step for step in plain(item.answers[0]).split(self.separator) if step.strip())
        if not parts:
            raise InputError("the solution has no step; drop the row")
        return replace(item, parts=parts)

    def fits(self, row: Row) -> bool:
        return "completions" in row and "labels" in row

    def known(self, row: Row, item: Item) -> dict[str, Any]:
        labels = row.get("labels")
        if not isinstance(labels, list) or not 0 < len(labels) <= len(item.parts):
            raise InputError(f"the row knows no answer: it has {len(item.parts)} steps and needs as many labels")
        if WRONG in labels:  # -1, 0 and 1, as people rate; else true and false, or shares
            if not all(label in (WRONG, NEUTRAL, RIGHT) for label in labels):
                raise InputError(f"labels of steps are 1, 0 or -1, or true and false, not {short(labels)}")
            return {"labels": [int(label) for label in labels]}
        return {"labels": [RIGHT if verdict(label) >= 0.5 else WRONG for label in labels]}

    def shown(self, item: Item, order: Sequence[int]) -> dict[str, Any]:
        return super().shown(replace(item, answers=()), ()) | {"steps": list(item.parts), "until_error": self.until_error}

    def read(self, given: Any, item: Item, order: Sequence[int]) -> dict[str, Any]:
        labels, size = field(given, "labels"), len(item.parts)
        if not isinstance(labels, list) or not all(type(x) is int and x in (WRONG, NEUTRAL, RIGHT) for x in labels):
            raise InputError(f"labels of steps are 1, 0 or -1, not {short(labels)}")
        if self.until_error and WRONG in labels:
            labels = labels[: labels.index(WRONG) + 1]
        elif len(labels) != size:
            raise InputError(f"there are {size} steps and {len(labels)} labels; judge every step")
        return {"labels": labels}

    def back(self, answer: Any, item: Item, order: Sequence[int]) -> dict[str, Any]:
        return dict(answer)

    def units(self, answer: Any, item: Item) -> dict[str, dict[str, float]]:
        return {"step": {str(place): float(label) for place, label in enumerate(answer["labels"])}}

    def apart(self, one: Any, other: Any, item: Item) -> float:
        both = list(zip(one["labels"], other["labels"], strict=False))
        return sum(a * b < 0 for a, b in both) / len(both)

    def merged(self, answers: Sequence[Any], item: Item, soft: bool) -> dict[str, Any]:
        labels: list[Any] = []
        for place in range(len(item.parts)):
            votes = [answer["labels"][place] >= NEUTRAL for answer in answers if place < len(answer["labels"])]
            if not votes or (self.until_error and 2 * len(votes) <= len(answers)):
                break  # most had found an error before
            right = sum(votes) / len(votes)
            if right == 0.5 and not soft:
                raise LeftOut("the annotators are divided")
            labels.append(right if soft else right > 0.5)
            if self.until_error and right < 0.5:
                break
        return item.asked | {"completions": list(item.parts[: len(labels)]), "labels": labels}

    def said(self, answer: Any) -> str:
        return "".join({RIGHT: "+", NEUTRAL: "0", WRONG: "-"}[label] for label in answer["labels"])
