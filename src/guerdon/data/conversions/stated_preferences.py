"""Stated preferences: of two responses, which is better and by how much, on a scale from -3 to 3, as a pair with a margin.

    {context, response1, response2, overall_preference} or {prompt, response_1, response_2, preference_strength} -> {prompt, chosen, rejected, margin: |preference|}

Below 0 the first is better. ``each_person`` makes a pair of each person's preference instead, with an ``annotator``. A loss that reads margins (``reward_model``
does) takes them as they are; take the column out where it shall not.

Left out: preferences of 0, and those that are missing or no number from -3 to 3.

Source: HelpSteer3-Preference, arXiv 2505.11475, and HelpSteer2-Preference, arXiv 2410.01257, whose scales and columns these are.
Differs from Battles: by how much is said as well.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from guerdon.data.conversions._converted import Converted, LeftOut, as_messages, each, needed, without
from guerdon.data.conversions.battles import Battles
from guerdon.witness import Witness

_USED = ("context", "prompt", "response1", "response2", "response_1", "response_2", "overall_preference", "preference_strength")
_PEOPLE = ("individual_preference", "all_preferences_unprocessed")
MOST = 3


@dataclass(frozen=True)
class StatedPreferences:
    reads: ClassVar[str] = "stated_preferences"
    gives: ClassVar[str] = "pairs"
    each_person: bool = False

    def __call__(self, rows: Sequence[Mapping[str, Any]]) -> Converted:
        return each(rows, self._pairs)

    def _pairs(self, row: Mapping[str, Any]) -> Iterator[dict[str, Any] | LeftOut]:
        prompt = needed(row, "context" if "context" in row else "prompt")
        first, second = (needed(row, f"response{i}" if f"response{i}" in row else f"response_{i}") for i in (1, 2))
        if not isinstance(prompt, str):
            first, second = (as_messages(side, "assistant") for side in (first, second))
        rest = without(row, *_USED, *_PEOPLE)
        if not self.each_person:
            yield _pair(prompt, first, second, row.get("overall_preference", row.get("preference_strength")), rest)
            return
        people = next((row[name] for name in _PEOPLE if row.get(name)), None)
        if people is None:
            raise LeftOut("no person's own preference is there")
        for number, said in enumerate(people):
            yield _pair(prompt, first, second, said.get("score", said.get("strength")), {**rest, "annotator": number})


def _pair(prompt: Any, first: Any, second: Any, preference: Any, rest: Mapping[str, Any]) -> dict[str, Any] | LeftOut:
    if isinstance(preference, bool) or not isinstance(preference, int | float) or not math.isfinite(preference) or abs(preference) > MOST:
        return LeftOut(f"the preference is no number from -{MOST} to {MOST}")
    if preference == 0:
        return LeftOut("a preference of 0")
    chosen, rejected = (first, second) if preference < 0 else (second, first)
    return {"prompt": prompt, "chosen": chosen, "rejected": rejected, "margin": abs(preference), **rest}


_people = [{"score": -1, "reasoning": "r"}, {"score": 0, "reasoning": "r"}]
_row = {
    "domain": "stem",
    "context": [{"role": "user", "content": "p"}],
    "response1": "a",
    "response2": "b",
    "individual_preference": _people,
}
_a, _b = ([{"role": "assistant", "content": text}] for text in "ab")
_given = {"rows": [{**_row, "overall_preference": n} for n in (2, 0, -4)]}
_pair_of = {"prompt": _row["context"], "chosen": _b, "rejected": _a, "margin": 2, "domain": "stem"}
_own = {"prompt": _row["context"], "chosen": _a, "rejected": _b, "margin": 1, "domain": "stem", "annotator": 0}
witness = (
    Witness(
        StatedPreferences(),
        parent=Battles(),
        given=_given,
        returns={"rows": [_pair_of], "left_out": {"a preference of 0": 1, "the preference is no number from -3 to 3": 1}},
    ),
    Witness(
        StatedPreferences(each_person=True),
        parent=StatedPreferences(),
        given=_given,
        returns={"rows": [_own] * 3, "left_out": {"a preference of 0": 3}},
    ),
)
