"""Zero variance: groups whose answers were all rewarded alike teach nothing and are dropped.

    keep = max of the group - min of the group > tolerance * max(1, largest magnitude of the group)        [B]

A sequence without a reward (NaN) is dropped and does not count for its group. The loop draws further prompts until its batch is full.

Source: dynamic sampling of DAPO, arXiv 2503.14476, section 3.2 and eq. 11 (there: some but not all answers right, which for a reward of 0
or 1 is the same). ``tolerance``: equal sums of float32 numbers differ by rounding, and dividing by such a deviation would blow noise
up to advantages of order one; 1e-6 is eight times the spacing of float32 at 1.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from guerdon.quantities import B, Group
from guerdon.witness import Witness


@dataclass(frozen=True)
class ZeroVariance:
    tolerance: float = 1e-6

    def __call__(self, reward: B, group: Group) -> Tensor:
        members, place = torch.unique(group, return_inverse=True)
        known = ~reward.isnan()

        def extreme(x: B, how: str, start: float) -> B:
            x = torch.where(known, x, start)
            return torch.full((len(members),), start, dtype=x.dtype, device=x.device).scatter_reduce(0, place, x, how)

        inf = float("inf")
        high, low = extreme(reward, "amax", -inf), extreme(reward, "amin", inf)
        magnitude = extreme(reward.abs(), "amax", 1.0).clamp(min=1.0)
        return known & (high - low > self.tolerance * magnitude)[place]


_given = {"reward": torch.tensor([1.0, 0.0, 1.0, 1.0, 0.1 + 0.2, 0.3]), "group": torch.tensor([0, 0, 1, 1, 2, 2])}
_noisy = {"reward": torch.tensor([0.1 + 0.2, 0.3], dtype=torch.float64), "group": torch.tensor([0, 0])}
witness = (
    Witness(ZeroVariance(), given=_given, returns=[1, 1, 0, 0, 0, 0]),
    Witness(ZeroVariance(), parent=ZeroVariance(tolerance=0.0), given=_noisy, returns=[0, 0]),
)
