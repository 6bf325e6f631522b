"""Intrinsic: quantities of what a policy sampled → one number per sequence, a reward that it makes itself.

A part's argument names are the quantities that it needs (``guerdon.quantities``), as in ``credit`` and ``losses``; they are measured without gradients by the policy before the
first gradient step on the rollouts, or by the view that ``by`` names ("ref", "ema": what the recipe binds). ``recast`` says of which sequences: None of the rollouts themselves,
else of what is made of them (``feedback.recasting``). A sequence of which nothing is measured has no reward (NaN for ``combine``).

They stand beside the rewards that read texts: in ``recipe.intrinsic`` or, in a configuration, in the section ``reward``; ``recipe.combine`` weighs all of them by name.
"""

from dataclasses import dataclass
from typing import Any, Protocol

from guerdon.feedback.recasting import Recasting
from guerdon.parts import is_part, needs
from guerdon.quantities import B


@dataclass(frozen=True)
class SelfMade:
    """What every intrinsic reward is told besides its own fields.

    Attributes:
        recast: of which sequences; None: of the rollouts.
        by: the view that measures; "": the policy.
    """

    recast: Recasting | None = None
    by: str = ""


class Intrinsic(Protocol):
    """Quantities [B, T], as named → [B]. ``recast`` and ``by`` as in ``SelfMade``."""

    def __call__(self, **quantities: Any) -> B: ...


def is_intrinsic(reward: Any) -> bool:
    """Whether a reward reads quantities, and not completions."""
    return is_part(reward) and "completions" not in needs(reward) and "mask" in needs(reward)
