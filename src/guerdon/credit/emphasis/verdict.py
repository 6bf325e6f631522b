"""Verdict: praise counts for more than blame, or for less.

    emphasis = 1 + lean * sign(advantage)        [B, T], without unit

Source: ours, as the plain rival of emphases that look at steps (``likelihood_influence``), which it becomes where a step's influence has the sign of its advantage. Cf. the
weights of right and of wrong answers of arXiv 2506.01347 (``signed_weight``), there without a baseline. ``lean`` 0.1: as that one's.
"""

from dataclasses import dataclass

from guerdon.credit.emphasis.unchanged import Unchanged
from guerdon.quantities import BT
from guerdon.witness import Limit, Witness


@dataclass(frozen=True)
class Verdict:
    lean: float = 0.1

    def __call__(self, advantage: BT) -> BT:
        return (1 + self.lean * advantage.sign()).detach()


witness = (
    Witness(Verdict(lean=0.5), parent=Unchanged(), given={"advantage": [[2.0, 0.0, -3.0]]}, returns=[[1.5, 1.0, 0.5]]),
    Witness(Verdict(lean=-0.5), parent=Verdict(lean=0.5), given={"advantage": [[2.0, 0.0, -3.0]]}, returns=[[0.5, 1.0, 1.5]]),
)
limits = (Limit(Verdict(lean=0.0), equals=Unchanged(), when="it leans nowhere"),)
