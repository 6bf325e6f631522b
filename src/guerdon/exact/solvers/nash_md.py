"""Nash-MD: mirror descent in a preference game against the policy mixed with its reference, whose last iterate converges.

    pi_t^mu(y)   proportional to  pi_t(y)^(1 - eta tau) reference(y)^(eta tau)
    pi_{t+1}(y)  proportional to  pi_t^mu(y) exp(eta P(y beats pi_t^mu))

Without ``eta`` the step size is the schedule of the theorem, eta_t = 2 / (tau (t + 2)), for which KL(equilibrium || pi_T) <= 8 / (tau^2 (T + 1)). With a
constant ``eta`` (eta tau at most 1) it converges to within 2 eta / tau of the regularised equilibrium, in the same divergence. Shapes as in SelfPlay.

Source: Munos et al. 2023, Nash Learning from Human Feedback, arXiv 2312.00886, section 6 and theorem 1.
Differs from SelfPlay: the opponent is the mixture as well, not the policy itself; with ``tau`` 0 the two are the same.
Defaults: ``tau`` 0.1, ``steps`` 1,000: ours.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from guerdon.errors import InputError
from guerdon.exact.solvers._tables import distribution
from guerdon.exact.solvers.self_play import LN2, SelfPlay, cycle
from guerdon.witness import Witness


@dataclass(frozen=True)
class NashMD:
    eta: float | None = None  # None: the schedule of the theorem
    tau: float = 0.1
    steps: int = 1000

    def __post_init__(self) -> None:
        if self.eta is None and not self.tau > 0:
            raise InputError("the step size of NashMD follows from tau, which is 0: set eta, or a tau above 0")
        if self.eta is not None and not 0 <= self.eta * self.tau <= 1:
            raise InputError(f"eta * tau of NashMD is {self.eta * self.tau}, the share of the reference in the mixture: keep it in 0..1")

    def step_size(self, step: int) -> float:
        """eta_t."""
        return 2 / (self.tau * (step + 2)) if self.eta is None else self.eta

    def __call__(self, payoff: Tensor, reference: Tensor, start: Tensor | None = None) -> dict[str, Tensor]:
        payoff = payoff.double()
        anchor = distribution(reference, "reference", positive=True).log()
        policy = anchor if start is None else distribution(start, "start", positive=True).log()
        path = [policy.exp()]
        for step in range(self.steps):
            eta = self.step_size(step)
            mixture = ((1 - eta * self.tau) * policy + eta * self.tau * anchor).log_softmax(-1)
            wins = (payoff @ mixture.exp().unsqueeze(-1)).squeeze(-1)
            policy = (mixture + eta * wins).log_softmax(-1)
            path.append(policy.exp())
        return {"policy": path[-1], "path": torch.stack(path)}


_start = [4 / 6, 1 / 6, 1 / 6]
witness = (
    Witness(  # the mixture is (2, 1, 1) / 4; against it the win rates are 1/2, 5/8, 3/8, at eta = 8 ln 2 the factors 16, 32 and 8
        NashMD(eta=8 * LN2, tau=1 / (16 * LN2), steps=1),
        parent=SelfPlay(eta=8 * LN2, tau=1 / (16 * LN2), steps=1),
        given=cycle,
        returns={"policy": [4 / 9, 4 / 9, 1 / 9], "path": [_start, [4 / 9, 4 / 9, 1 / 9]]},
    ),
    Witness(  # the first step of the schedule forgets the start: eta tau = 1, the opponent is the reference and all win rates are 1/2
        NashMD(tau=0.1, steps=1),
        parent=NashMD(eta=1.0, tau=0.1, steps=1),
        given=cycle,
        returns={"policy": [1 / 3, 1 / 3, 1 / 3], "path": [_start, [1 / 3, 1 / 3, 1 / 3]]},
    ),
)
