"""Penalties: quantities of the acted steps → what is added to the loss (or taken from the reward) per step, [B, T].

A penalty on what belongs to a whole sequence (the weights of heads, what is believed of its user) says ``per_item: ClassVar[bool] = True`` and returns [B].

As a term of the loss a penalty is differentiated; in the reward (``Recipe.reward_penalties``) it is not. Which of the
two is meant changes the gradient, so it is said by the place, not by a flag.
"""

from typing import Protocol

from guerdon.quantities import BT


class Penalty(Protocol):
    """Quantities of the acted steps, [B, T] → [B, T], zero where nothing is to be punished."""

    def __call__(self, **quantities: BT) -> BT: ...
