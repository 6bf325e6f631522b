"""Length: a penalty that sets in softly before the length at which completions are cut.

    reward = 0                                          if |y| <= max_length - cache
             (max_length - cache - |y|) / cache         if max_length - cache < |y| <= max_length
             -1                                         if max_length < |y|

``unit`` is "tokens" (counted in the column ``completion_ids``, which the loop passes) or "characters" of what the assistant said.

Source: DAPO, arXiv 2503.14476, eq. 13 ("soft overlong punishment"), which uses max_length 20480 and cache 4096 tokens and adds it to the
correctness reward. Neither has a default here: a length that no completion can reach would be a penalty that never acts.
Differs from Format: reads how much was said, not what.
"""

from dataclasses import dataclass
from typing import Any, Literal

from guerdon.errors import InputError
from guerdon.feedback.rewards.format import Format
from guerdon.feedback.text import whole_text
from guerdon.witness import Witness


@dataclass(frozen=True)
class Length:
    max_length: int
    cache: int
    unit: Literal["tokens", "characters"] = "tokens"

    def __post_init__(self) -> None:
        if not 0 <= self.cache <= self.max_length:
            raise InputError(f"the length reward needs 0 <= cache <= max_length, not cache {self.cache} and max_length {self.max_length}")
        if self.unit not in ("tokens", "characters"):
            raise InputError(f"the unit of the length reward is tokens or characters, not {self.unit!r}")

    def __call__(
        self, prompts: list[Any], completions: list[Any], completion_ids: list[Any] | None = None, **columns: list[Any]
    ) -> list[float | None]:
        if self.unit == "characters":
            return [self._penalty(len(whole_text(completion))) for completion in completions]
        if completion_ids is None:
            raise InputError("the length reward counts tokens, but no column completion_ids was given: pass it, or set unit=characters")
        return [self._penalty(len(ids)) for ids in completion_ids]

    def _penalty(self, length: int) -> float:
        free = self.max_length - self.cache
        if length <= free:
            return 0.0
        return (free - length) / self.cache if length <= self.max_length else -1.0


witness = (
    Witness(
        Length(max_length=10, cache=4),
        parent=Format(".{0,6}"),
        given={"prompts": ["q"] * 5, "completions": ["a"] * 5, "completion_ids": [[0] * n for n in (6, 7, 9, 10, 11)]},
        returns=[0.0, -0.25, -0.75, -1.0, -1.0],
    ),
    Witness(
        Length(max_length=10, cache=4, unit="characters"),
        parent=Length(max_length=10, cache=4),
        given={"prompts": ["q"] * 2, "completions": ["a" * 6, "a" * 8], "completion_ids": [[0], [0]]},
        returns=[0.0, -0.5],
    ),
)
