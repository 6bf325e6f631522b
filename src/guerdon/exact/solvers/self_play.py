"""Self-play: mirror descent in a preference game against the policy itself.

    pi_{t+1}(y) proportional to  pi_t(y)^(1 - eta tau) reference(y)^(eta tau) exp(eta P(y beats pi_t))

With ``tau`` 0 it is multiplicative weights, whose last iterate circles around the equilibrium of an intransitive game. ``payoff`` [..., A, A] with
P + P^T = 1, ``reference`` [..., A], ``start`` [..., A] (the reference if not given) → ``policy`` [..., A], the last one, and ``path`` [steps + 1, ..., A].

Source: the ablation of Nash learning without mixing the opponent, arXiv 2312.00886, appendix F.3 (beta = 0); multiplicative weights: Freund and Schapire 1999.
Defaults: ``eta`` 0.1, ``steps`` 1,000: ours.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from guerdon.exact.solvers._tables import distribution
from guerdon.witness import Witness


@dataclass(frozen=True)
class SelfPlay:
    eta: float = 0.1
    tau: float = 0.0
    steps: int = 1000

    def __call__(self, payoff: Tensor, reference: Tensor, start: Tensor | None = None) -> dict[str, Tensor]:
        payoff = payoff.double()
        anchor = distribution(reference, "reference", positive=True).log()
        policy = anchor if start is None else distribution(start, "start", positive=True).log()
        path = [policy.exp()]
        for _ in range(self.steps):
            wins = (payoff @ policy.exp().unsqueeze(-1)).squeeze(-1)
            mixed = (1 - self.eta * self.tau) * policy + self.eta * self.tau * anchor
            policy = (mixed + self.eta * wins).log_softmax(-1)
            path.append(policy.exp())
        return {"policy": path[-1], "path": torch.stack(path)}


LN2 = 0.6931471805599453
# Rock, paper, scissors against (4, 1, 1) / 6: win rates 1/2, 3/4, 1/4, which at eta = 8 ln 2 are factors 16, 64 and 4.
cycle = {
    "payoff": torch.tensor([[0.5, 0.0, 1.0], [1.0, 0.5, 0.0], [0.0, 1.0, 0.5]], dtype=torch.float64),
    "reference": torch.tensor([1 / 3, 1 / 3, 1 / 3], dtype=torch.float64),
    "start": torch.tensor([4 / 6, 1 / 6, 1 / 6], dtype=torch.float64),
}
_start = [4 / 6, 1 / 6, 1 / 6]
witness = (
    Witness(
        SelfPlay(eta=8 * LN2, steps=1),
        parent=SelfPlay(eta=8 * LN2, tau=1 / (16 * LN2), steps=1),
        given=cycle,
        returns={"policy": [16 / 33, 16 / 33, 1 / 33], "path": [_start, [16 / 33, 16 / 33, 1 / 33]]},
    ),
    Witness(  # eta tau = 1/2: the square roots (2, 1, 1) of the start
        SelfPlay(eta=8 * LN2, tau=1 / (16 * LN2), steps=1),
        parent=SelfPlay(eta=8 * LN2, steps=1),
        given=cycle,
        returns={"policy": [8 / 25, 16 / 25, 1 / 25], "path": [_start, [8 / 25, 16 / 25, 1 / 25]]},
    ),
)
