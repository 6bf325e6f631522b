"""Rhythm: anchors count for more, and where an anchor follows from what stands just before it, part of that goes to the step that prepared it.

    A = the anchors (``anchors``), P = the preplans (``preplans``), of one share
    D = the anchors whose attention_distance is at most the median of their sequence's and that have a step of P among the ``back`` acted steps before them
    intro(t) = of the ``back`` acted steps before t, the one with the largest drop
    emphasis = 1 + (factor - 1) ([t in A, not in D] + (1 - passed) [t in D] + passed [t = intro(s) of some s in D])        [B, T], without unit

Source: coupled rhythm credit, Li et al. 2025, arXiv 2510.13554, eqs. 17 and 18, with its shares, factor and ranges; ``back`` is one of its 1, 2 and 3. Its thresholds on
distance and drop and its ``passed`` are said to be given, and are not told: the median, membership of P, and 0.5 are ours.
Differs from Anchors: part of the emphasis lies on steps before them.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from guerdon.credit.emphasis._top import drop, top
from guerdon.credit.emphasis.anchors import Anchors
from guerdon.credit.emphasis.preplans import Preplans
from guerdon.quantities import BT, Mask
from guerdon.witness import Limit, Witness


@dataclass(frozen=True)
class Rhythm:
    share: float = 0.4
    factor: float = 1.5
    passed: float = 0.5
    back: int = 3
    window: int = 10
    near: int = 10
    far: int = 50

    def needs(self) -> frozenset[str]:
        return Anchors(near=self.near, far=self.far).needs() | Preplans(window=self.window).needs()

    def __call__(self, mask: Mask, **quantities: Tensor) -> BT:
        received = quantities[Anchors(near=self.near, far=self.far).received]
        distance = quantities[Preplans(window=self.window).distance].detach()
        if not mask.any():
            return torch.ones_like(distance)
        dropped = drop(distance, mask)
        anchor, preplan = top(received, mask, self.share), top(dropped, mask, self.share)
        low = distance <= torch.where(mask, distance, torch.nan).nanmedian(-1, keepdim=True).values
        acted = (
            (~mask).long().sort(dim=-1, stable=True).indices
        )  # the acted steps of each sequence first, so that those before a step are acted as well
        before, planned = (
            _before(x.gather(-1, acted), self.back) for x in (dropped, preplan.to(dropped))
        )  # [back, B, T], the nearest first
        led = anchor & low & torch.zeros_like(mask).scatter(-1, acted, (planned > 0).any(0))
        intro = torch.arange(mask.shape[1], device=mask.device) - 1 - before.argmax(0)
        prepares = torch.zeros_like(distance).scatter_add(-1, intro.clamp(min=0), led.gather(-1, acted).to(distance)) > 0
        prepares = torch.zeros_like(mask).scatter(-1, acted, prepares)
        weight = (anchor & ~led) + (1 - self.passed) * led + self.passed * prepares
        return 1 + (self.factor - 1) * weight.to(distance)


def _before(x: Tensor, back: int) -> Tensor:
    """[back, B, T], of each step the one before it, the one before that ...; -1 where there is none."""
    return torch.stack([torch.nn.functional.pad(x, (k, 0), value=-1.0)[:, : x.shape[1]] for k in range(1, back + 1)])


# distances 1 5 2 2 4: drops 4 3 0 2 0; median 2. Of five acted steps two are chosen: anchors the third and the fifth, preplans the first two.
# The third looks near (2) and has a preplan before it: of the drops 3 and 4 before it the first step's is the larger. The fifth looks far (4).
_five = {
    "proximal_attention_received(10,50)": [[0.1, 0.2, 0.9, 7.0, 0.3, 0.8]],
    "proximal_attention_distance(10)": [[1.0, 5.0, 2.0, 99.0, 2.0, 4.0]],
    "mask": [[1, 1, 1, 0, 1, 1]],
}
witness = (
    Witness(Rhythm(), parent=Anchors(), given=_five, returns=[[1.25, 1.0, 1.25, 1.0, 1.0, 1.5]]),
    Witness(Rhythm(passed=0.2), parent=Rhythm(), given=_five, returns=[[1.1, 1.0, 1.4, 1.0, 1.0, 1.5]]),
    Witness(Rhythm(back=1), parent=Rhythm(), given=_five, returns=[[1.0, 1.25, 1.25, 1.0, 1.0, 1.5]]),
    Witness(Rhythm(factor=2.0), parent=Rhythm(), given=_five, returns=[[1.5, 1.0, 1.5, 1.0, 1.0, 2.0]]),
    Witness(Rhythm(share=0.2), parent=Rhythm(), given=_five, returns=[[1.25, 1.0, 1.25, 1.0, 1.0, 1.0]]),
    Witness(
        Rhythm(window=2, near=1, far=3, share=0.5),
        parent=Rhythm(share=0.5),
        given={"proximal_attention_received(1,3)": [[0.0, 0.5]], "proximal_attention_distance(2)": [[2.0, 0.0]], "mask": [[1, 1]]},
        returns=[[1.25, 1.25]],
    ),
)
limits = (Limit(Rhythm(passed=0.0), equals=Anchors(), when="nothing is passed on"),)
