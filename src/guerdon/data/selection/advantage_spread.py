"""Advantage spread: the share of a batch whose advantages lie furthest apart: the best and the worst, and nothing between.

    keep = of all subsets of n = round(share * B) sequences, one at least, that with the largest variance of A        [B]
         = the k sequences with the largest A and the n - k with the smallest, for the best k
    A    = mean of the advantage over a sequence's acted steps

Of a set of numbers the subset with the largest variance is made of its two ends, since moving a member outwards adds to it, so k is all that has to be tried.
Of equal advantages the first sequences are kept, of equally good k the smallest.

``each_group``: the share is taken of every group by itself. Across groups, which is the default, the room that groups of equal rewards would take goes to others. It comes
after credit (``learned``): what is left out was compared with all the same.

Source: D3S, arXiv 2509.22115, section 3.1, in a summary. ``share`` 0.5: ours.
Differs from BestOfGroup: the worst teach as well, and groups are not alike.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from guerdon.data.selection.best_of_group import BestOfGroup
from guerdon.errors import InputError
from guerdon.quantities import BT, Group, Mask
from guerdon.witness import Witness


@dataclass(frozen=True)
class AdvantageSpread:
    share: float = 0.5
    each_group: bool = False

    def __post_init__(self) -> None:
        if isinstance(self.share, (int, float)) and not 0 < self.share <= 1:
            raise InputError(
                f"advantage_spread: share is {self.share}, and is the share of the sequences that is kept; give a number above 0, 1 at most"
            )

    def __call__(self, advantage: BT, group: Group, mask: Mask) -> Tensor:
        each = torch.where(mask, advantage.detach(), 0.0).double().sum(-1) / mask.sum(-1).clamp(min=1)
        keep = torch.zeros_like(each, dtype=torch.bool)
        for own in [group == g for g in torch.unique(group)] if self.each_group else [~keep]:
            rows = own.nonzero().squeeze(-1)
            keep[rows[_ends(each[rows], max(round(self.share * len(rows)), 1))]] = True
        return keep


def _ends(x: Tensor, n: int) -> Tensor:
    """Indices of those n of ``x`` [B] that have the largest variance."""
    down, up = x.argsort(descending=True, stable=True), x.argsort(stable=True)
    k = torch.arange(n + 1, device=x.device)

    def summed(power: int) -> Tensor:
        """[n + 1], over the k largest and the n - k smallest."""
        ahead, behind = (torch.cat([x.new_zeros(1), (x[order] ** power).cumsum(0)]) for order in (down, up))
        return ahead[k] + behind[n - k]

    variance = summed(2) / n - (summed(1) / n) ** 2
    best = int((variance >= variance.max() - 1e-12 * x.abs().max() ** 2).nonzero()[0])  # sums differ in their last digits
    return torch.cat([down[:best], up[: n - best]])


_given = {  # two groups: the ends of the first are -1 and 3, of the second -2 and 1; of all -2, -1 and 3
    "advantage": torch.tensor([[3.0, 9.0], [0.0, 0.0], [-1.0, -1.0], [0.5, 0.0], [-2.0, 9.0], [1.0, 1.0]]),
    "mask": torch.tensor([[1, 0], [1, 1], [1, 1], [1, 1], [1, 0], [1, 1]], dtype=torch.bool),
    "group": torch.tensor([0, 0, 0, 1, 1, 1]),
}
witness = (
    Witness(AdvantageSpread(), parent=BestOfGroup(keep=2), given=_given, returns=[1, 0, 1, 0, 1, 0]),
    Witness(AdvantageSpread(0.5, each_group=True), parent=AdvantageSpread(), given=_given, returns=[1, 0, 1, 0, 1, 1]),
    Witness(AdvantageSpread(0.1), parent=AdvantageSpread(), given=_given, returns=[0, 0, 0, 0, 1, 0]),
    Witness(AdvantageSpread(1.0), parent=AdvantageSpread(), given=_given, returns=[1, 1, 1, 1, 1, 1]),
)
