"""Target length: every prompt says how long its answer is to be, and an answer is worth less the further it is off.

    exact        - price * |target - length|                                  0 at the target
    at most      clip(price * (target - length) + margin, 0, 1)               a factor: ``margin`` at the target, 0 far above it, 1 far below

``target`` is a column of the data, so the prompt has to say it too ("Think for 200 tokens"). The first is added to the reward of correctness. The second is worth
something only where the answer is right: ``combine: {part: gate, by: correct, combine: {part: weigh, weights: {correct: 0}}}``.

Source: length-controlled policy optimisation of L1, Aggarwal and Welleck 2025, arXiv 2503.04697; ``price`` 0.0003: its script (``run_l1_exact.sh``).
``margin`` 0.5: the same; its code halves the slope of the second, and has a sigmoid in its place as a choice.
Lengths are in tokens, of all of ``completion_ids``.
Differs from Length: the length that is wanted is the prompt's own.
"""

from dataclasses import dataclass
from typing import Any, Literal

from guerdon.errors import InputError
from guerdon.feedback.rewards.length import Length
from guerdon.witness import Witness


@dataclass(frozen=True)
class TargetLength:
    kind: Literal["exact", "at most"] = "exact"
    price: float = 0.0003
    margin: float = 0.5
    column: str = "target_length"

    def __post_init__(self) -> None:
        if self.kind not in ("exact", "at most"):
            raise InputError(f"the kind of a target length is exact or at most, not {self.kind!r}")

    def __call__(
        self, prompts: list[Any], completions: list[Any], completion_ids: list[Any] | None = None, **columns: list[Any]
    ) -> list[float | None]:
        if completion_ids is None:
            raise InputError("the target length is in tokens, but no column completion_ids was given: pass it")
        if self.column not in columns:
            raise InputError(
                f"the target length is read from a column {self.column!r} (columns: {', '.join(sorted(columns)) or 'none'}); name it with column="
            )
        return [self._worth(target, len(ids)) for target, ids in zip(columns[self.column], completion_ids, strict=True)]

    def _worth(self, target: float | None, length: int) -> float | None:
        """None where a row names no target."""
        if target is None:
            return None
        try:
            off = float(target) - length
        except (TypeError, ValueError) as error:
            raise InputError(f"the column {self.column!r} holds {target!r}, which is no number of tokens") from error
        return -self.price * abs(off) if self.kind == "exact" else min(max(self.price * off + self.margin, 0.0), 1.0)


_given = {
    "prompts": ["q"] * 4,
    "completions": ["a"] * 4,
    "completion_ids": [[0] * n for n in (5, 8, 2, 9)],
    "target_length": [5, 5, 5, None],
}
witness = (
    Witness(TargetLength(price=0.125), parent=Length(max_length=10, cache=4), given=_given, returns=[0.0, -0.375, -0.375, None]),
    Witness(TargetLength("at most", price=0.125), parent=TargetLength(price=0.125), given=_given, returns=[0.5, 0.125, 0.875, None]),
    Witness(
        TargetLength("at most", price=0.125, margin=1.0),
        parent=TargetLength("at most", price=0.125),
        given=_given,
        returns=[1.0, 0.625, 1.0, None],
    ),
    Witness(
        TargetLength(price=0.125, column="wanted"),
        parent=TargetLength(price=0.125),
        given=_given | {"wanted": [4, 4, 4, 4]},
        returns=[-0.125, -0.5, -0.25, -0.625],
    ),
)
