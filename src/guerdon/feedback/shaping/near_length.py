"""Near length: a bonus that is largest where an answer is as long as a budget, and falls in a straight line on both sides.

    reward + bonus * max(0, 1 - |length - target| / width)                [B];   ``width`` None: the target, so that no answer at all and twice the budget earn nothing

Right and wrong answers earn it alike: it says how much is to be thought, and the reward whether that was any good. With a schedule for
``target`` (``{part: exponential, ...}``) the budget shrinks as training goes on.

Source: the triangular length reward about a shrinking budget of tokens of RMT, arXiv 2509.24375, as a summary tells it; the width of the triangle, and ``bonus`` 0.5, are ours.
Differs from LengthBonus: shorter is not as good as short, and nothing jumps at the target.
"""

from dataclasses import dataclass

from guerdon.errors import InputError
from guerdon.feedback.shaping.length_bonus import LengthBonus
from guerdon.quantities import B
from guerdon.witness import Witness


@dataclass(frozen=True)
class NearLength:
    target: float
    bonus: float = 0.5
    width: float | None = None  # None: the target

    def __call__(self, reward: B, length: B) -> B:
        width = self.target if self.width is None else self.width
        if width <= 0:
            raise InputError(f"near_length: the bonus falls to 0 over a width of {width:g}; give a target or a width above 0")
        return reward + self.bonus * (1 - (length - self.target).abs() / width).clamp(min=0)


_given = {"reward": [1.0, 1.0, 0.0, 0.0], "length": [4.0, 6.0, 1.0, 9.0]}
witness = (
    Witness(NearLength(target=4), parent=LengthBonus(target=4), given=_given, returns=[1.5, 1.25, 0.125, 0.0]),
    Witness(NearLength(target=4, width=2), parent=NearLength(target=4), given=_given, returns=[1.5, 1.0, 0.0, 0.0]),
    Witness(NearLength(target=4, bonus=1.0), parent=NearLength(target=4), given=_given, returns=[2.0, 1.5, 0.25, 0.0]),
    Witness(NearLength(target=6), parent=NearLength(target=4), given=_given, returns=[1 + 1 / 3, 1.5, 1 / 12, 0.25]),
)
