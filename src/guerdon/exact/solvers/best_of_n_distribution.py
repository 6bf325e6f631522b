"""Best-of-n distribution: what comes out when n answers are drawn and the one with the highest reward is kept, exactly.

    P(y) = reference(y) / m(y) * (F(y)^n - F_below(y)^n)
    F(y): probability of a reward at most y's;  F_below(y): of a lower one;  m(y) = F(y) - F_below(y), the outcomes tied with y

Of equal rewards the first drawn is kept, so tied outcomes share their mass as the reference does. Returns ``policy`` [..., S], its expected
``reward`` and its ``kl`` (nats) from the reference, [...]. The often quoted log n - (n - 1) / n is an upper bound of the KL, not its value.

Source: Beirami et al. 2024, Theoretical guarantees on the best-of-n alignment policy, arXiv 2401.01879, section 2; the bound, theorem 3.1 there.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from guerdon.exact.solvers._tables import distribution, kl, positive
from guerdon.exact.solvers.kl_regularised_optimum import KLRegularisedOptimum
from guerdon.witness import Witness


@dataclass(frozen=True)
class BestOfNDistribution:
    n: int

    def __post_init__(self) -> None:
        positive(self.n, "n")

    def __call__(self, reward: Tensor, reference: Tensor) -> dict[str, Tensor]:
        reward = reward.double()
        reference = distribution(reference, "reference").expand(reward.shape)
        flat = zip(reward.reshape(-1, reward.shape[-1]), reference.reshape(-1, reward.shape[-1]), strict=True)
        policy = torch.stack([self._solve(*row) for row in flat]).view(reward.shape)
        return {"policy": policy, "reward": (policy * reward).sum(-1), "kl": kl(policy, reference)}

    def _solve(self, reward: Tensor, reference: Tensor) -> Tensor:
        levels, level = torch.unique(reward, return_inverse=True)  # ascending
        mass = torch.zeros(len(levels), dtype=torch.float64).index_add(0, level, reference)
        reached, above = mass.cumsum(0), torch.cat([mass[1:].flip(0).cumsum(0).flip(0), mass.new_zeros(1)])
        # log F from the side on which it is small: near 1, F itself cannot tell a tail of 1e-17 from none, but n may be 1e17.
        log_reached = torch.where(reached < 0.5, reached.clamp(min=1e-300).log(), torch.log1p(-above.clamp(max=0.5)))
        # F^n - F_below^n without cancellation: F^n (1 - (1 - m / F)^n); a level that is never drawn has no mass.
        share = torch.where(reached > 0, mass / reached.clamp(min=1e-300), torch.zeros_like(mass)).clamp(max=1)
        n = float(self.n)
        kept = (n * log_reached).exp() * -torch.expm1(n * torch.log1p(-share))
        kept = kept / kept.sum()
        return torch.where(reference > 0, reference / mass[level].clamp(min=1e-300) * kept[level], torch.zeros_like(reference))


E = math.e
LN2, LN3 = 0.6931471805599453, 1.0986122886681098
_tied = {
    "reward": torch.tensor([1.0, 0.0, 1.0], dtype=torch.float64),
    "reference": torch.tensor([1 / 4, 1 / 2, 1 / 4], dtype=torch.float64),
}
witness = (
    Witness(  # both draws are the bad outcome with probability 1/4; the rest is shared by the two good ones
        BestOfNDistribution(n=2),
        parent=BestOfNDistribution(n=1),
        given=_tied,
        returns={"policy": [3 / 8, 1 / 4, 3 / 8], "reward": 3 / 4, "kl": 0.75 * LN3 - LN2},
    ),
    Witness(  # 7/8 is shared
        BestOfNDistribution(n=3),
        parent=KLRegularisedOptimum(),
        given=_tied,
        returns={"policy": [7 / 16, 1 / 8, 7 / 16], "reward": 7 / 8, "kl": 7 / 8 * (0.5596157879354227) - 1 / 8 * 2 * LN2},
    ),
    Witness(  # none of 1e20 draws is the rare one with probability 1 / e, though 1 - 1e-20 is 1 in float64
        BestOfNDistribution(n=10**20),
        parent=BestOfNDistribution(n=10**19),
        given={"reward": torch.tensor([0.0, 1.0], dtype=torch.float64), "reference": torch.tensor([1.0, 1e-20], dtype=torch.float64)},
        returns={"policy": [1 / E, 1 - 1 / E], "reward": 1 - 1 / E, "kl": -1 / E + (1 - 1 / E) * (math.log1p(-1 / E) + 20 * math.log(10))},
    ),
)
