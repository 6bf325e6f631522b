"""Box match: a box that is pointed at, by whether its middle hits the one that was meant, by how much the two overlap, and by whether it is as large.

    reward = hit * [middle in the box meant] + overlap * area of both / area of either + size * min(w, w') min(h, h') / (max(w, w') max(h, h'))

A box is four numbers, left, top, right and bottom: the last four that the completion says. The column ``box`` holds the one that was meant; None gives None. Without four
numbers, or with a box that is none (right not beyond left), 0.

A middle that hits says nothing of the size, and what overlaps the most is too large where one is not sure of the place; the third term holds the size to what was meant.

Source: GUI-G1, arXiv 2505.15810 (hit, IoU and a constraint on the size of the box, each with the weight 1). The form of the third term is ours: the paper's was not to be had.
Differs from NumberMatch: four numbers are one place.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from guerdon.feedback.rewards.number_match import NumberMatch
from guerdon.feedback.text import answer_text
from guerdon.witness import Witness

_NUMBER = re.compile(r"[-+]?\d+(?:\.\d+)?")


@dataclass(frozen=True)
class BoxMatch:
    hit: float = 1.0
    overlap: float = 1.0
    size: float = 1.0

    def __call__(self, prompts: list[Any], completions: list[Any], box: list[Any], **columns: list[Any]) -> list[float | None]:
        return [self._judge(*row) for row in zip(prompts, completions, box, strict=True)]

    def _judge(self, prompt: Any, completion: Any, meant: Sequence[float] | None) -> float | None:
        if meant is None:
            return None
        numbers = [float(x) for x in _NUMBER.findall(answer_text(completion, prompt))[-4:]]
        return self.worth(numbers, meant) if len(numbers) == 4 else 0.0

    def worth(self, said: Sequence[float], meant: Sequence[float]) -> float:
        """Of a box, beside the one that was meant."""
        left, top, right, bottom = said
        x, y, x2, y2 = meant
        wide, high, w, h = right - left, bottom - top, x2 - x, y2 - y
        if not (wide > 0 and high > 0):
            return 0.0
        hits = x <= (left + right) / 2 <= x2 and y <= (top + bottom) / 2 <= y2
        both = max(0.0, min(right, x2) - max(left, x)) * max(0.0, min(bottom, y2) - max(top, y))
        alike = min(wide, w) * min(high, h) / (max(wide, w) * max(high, h))
        return self.hit * hits + self.overlap * both / (wide * high + w * h - both) + self.size * alike


# of a box of 4 by 2: half of it, twice it with a middle at its edge, one beside it, what is none, and no box
_asked = {
    "prompts": ["q"] * 6,
    "completions": ["[0, 0, 2, 2]", "at 0, 0, 8, 2", "(10, 0, 14, 2)", "[4, 0, 0, 2]", "4", "[0, 0, 4, 2]"],
    "box": [[0, 0, 4, 2]] * 5 + [None],
    "answer": [4.0] * 6,
}
witness = (
    Witness(BoxMatch(), parent=NumberMatch(), given=_asked, returns=[2.0, 2.0, 1.0, 0.0, 0.0, None]),
    Witness(BoxMatch(hit=0.0), parent=BoxMatch(), given=_asked, returns=[1.0, 1.0, 1.0, 0.0, 0.0, None]),
    Witness(BoxMatch(overlap=0.0), parent=BoxMatch(), given=_asked, returns=[1.5, 1.5, 1.0, 0.0, 0.0, None]),
    Witness(BoxMatch(size=0.0), parent=BoxMatch(), given=_asked, returns=[1.5, 1.5, 0.0, 0.0, 0.0, None]),
)
