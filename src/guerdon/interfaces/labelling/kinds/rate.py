"""Rate: an answer by several attributes, each on a scale of whole numbers.

    {"ratings": {"helpful": 4, "honest": 5}}  →  {prompt, completion, helpful, honest}: the mean of each

Alpha is of each attribute by itself, on an interval scale. Two annotators agree where no attribute differs by more than one step.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from guerdon.errors import InputError
from guerdon.evaluation.distances import Distance
from guerdon.evaluation.distances.interval import Interval
from guerdon.interfaces.labelling.kinds._shared import Shared, field, short
from guerdon.interfaces.labelling.reading import Item, Row, single

_TAKEN = ("prompt", "completion", "row", "annotator", "user", "tools", "chat_template_kwargs")


@dataclass(frozen=True)
class Rate(Shared):
    """``attributes``: what is rated. ``scale``: the lowest and the highest number."""

    distance: ClassVar[Distance] = Interval()

    attributes: tuple[str, ...] = ("quality",)
    scale: tuple[int, int] = (1, 5)

    def __post_init__(self) -> None:
        low, high = self.scale
        if not self.attributes or len(set(self.attributes)) < len(self.attributes) or not all(self.attributes):
            raise InputError(f"attributes are different names, and these are {', '.join(map(repr, self.attributes))}")
        taken = next((name for name in self.attributes if name in _TAKEN), None)
        if taken is not None:
            raise InputError(f"an attribute cannot be called {taken!r}, which is another column of the rows; give it another name")
        if not 0 <= low < high <= 9:
            raise InputError(f"a scale is two digits, the lower first, such as 1-5, and this one is {low}-{high}")

    def __call__(self, row: Row) -> Item:
        return single(row)

    def known(self, row: Row, item: Item) -> dict[str, Any]:
        missing = next((name for name in self.attributes if not isinstance(row.get(name), int | float)), None)
        if missing is not None:
            raise InputError(f"the row knows no answer: it has no number in a column {missing!r}")
        return {"ratings": {name: row[name] for name in self.attributes}}

    def shown(self, item: Item, order: Sequence[int]) -> dict[str, Any]:
        return super().shown(item, order) | {"attributes": list(self.attributes), "scale": list(self.scale)}

    def read(self, given: Any, item: Item, order: Sequence[int]) -> dict[str, Any]:
        ratings = field(given, "ratings")
        if not isinstance(ratings, dict) or set(ratings) != set(self.attributes):
            raise InputError(f"each of {', '.join(self.attributes)} is rated, and this is {short(ratings)}")
        low, high = self.scale
        wrong = next((v for v in ratings.values() if type(v) is not int or not low <= v <= high), None)
        if wrong is not None:
            raise InputError(f"a rating is a whole number from {low} to {high}, not {short(wrong)}")
        return {"ratings": {name: ratings[name] for name in self.attributes}}

    def back(self, answer: Any, item: Item, order: Sequence[int]) -> dict[str, Any]:
        return dict(answer)

    def units(self, answer: Any, item: Item) -> dict[str, dict[str, float]]:
        return {name: {"": float(value)} for name, value in answer["ratings"].items()}

    @property
    def tolerance(self) -> float:  # one step
        return 1 / (self.scale[1] - self.scale[0])

    def apart(self, one: Any, other: Any, item: Item) -> float:
        low, high = self.scale
        return max(abs(one["ratings"][name] - other["ratings"][name]) for name in self.attributes) / (high - low)

    def merged(self, answers: Sequence[Any], item: Item, soft: bool) -> dict[str, Any]:
        means = {name: sum(answer["ratings"][name] for answer in answers) / len(answers) for name in self.attributes}
        return item.asked | {"completion": item.answers[0]} | means

    def said(self, answer: Any) -> str:
        return ", ".join(f"{name} {value:g}" for name, value in answer["ratings"].items())
