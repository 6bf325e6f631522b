"""Rollouts of an older policy under a loss that does not correct for that."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from guerdon.interfaces.check.doubts import Doubt
from guerdon.parts import needs

if TYPE_CHECKING:
    from guerdon.interfaces.check.looking import Looked
    from guerdon.interfaces.preparing import Prepared


def look(prepared: "Prepared", looked: "Looked") -> Iterator[Doubt]:
    if prepared.loop != "improve":
        return
    recipe = prepared.settings.recipe
    read = {name for term in recipe.terms for name in needs(term.loss)}
    if recipe.ahead and "advantage" in read and "old_logp" not in read:
        yield Doubt(
            f"rollouts are of the policy as it was {recipe.ahead} steps before (recipe.ahead), and no term reads old_logp, so that nothing corrects for it; take a loss that "
            "does (clip, bounded_weight, corrected), or set ahead to 0"
        )
