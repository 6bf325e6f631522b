"""Mirror prox: each step of mirror descent in a preference game is tried first, and then taken against the opponent that the trial led to.

    step(from, at)(y)  proportional to  (from(y) reference(y)^(eta tau) exp(eta P(y beats at)))^(1 / (1 + eta tau))
    trial = step(pi_t, pi_t),   pi_{t+1} = step(pi_t, trial)

``step`` is the best answer to ``at`` with a penalty tau KL(. || reference) + KL(. || from) / eta. Two preference queries a step: N queries
bring KL(equilibrium || pi) down by (1 + eta tau)^(-N / 2). Shapes as in SelfPlay.

Source: Nash mirror prox, Tiapkin et al. 2025, arXiv 2505.19731: its rate, (1 + 2 tau)^(-N / 2), is that of ``eta`` 2, the default here: win
rates differ from 1/2 by at most 1/2, so that no larger step is safe.
Differs from NashMD: the penalty is a part of the step and not of the opponent, and the opponent is where the player is going.
Default: ``tau`` 0.1, ``steps`` 1,000: those of NashMD.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from guerdon.errors import InputError
from guerdon.exact.solvers._tables import distribution
from guerdon.exact.solvers.nash_md import NashMD
from guerdon.exact.solvers.self_play import LN2, cycle
from guerdon.witness import Witness


@dataclass(frozen=True)
class MirrorProx:
    eta: float = 2.0
    tau: float = 0.1
    steps: int = 1000

    def __post_init__(self) -> None:
        if not self.eta > 0 or not self.tau >= 0:
            raise InputError(f"MirrorProx takes a step size eta above 0 and a tau of at least 0, not {self.eta} and {self.tau}")

    def __call__(self, payoff: Tensor, reference: Tensor, start: Tensor | None = None) -> dict[str, Tensor]:
        payoff = payoff.double()
        anchor = distribution(reference, "reference", positive=True).log()
        policy = anchor if start is None else distribution(start, "start", positive=True).log()

        def step(against: Tensor) -> Tensor:
            wins = (payoff @ against.exp().unsqueeze(-1)).squeeze(-1)
            return ((policy + self.eta * self.tau * anchor + self.eta * wins) / (1 + self.eta * self.tau)).log_softmax(-1)

        path = [policy.exp()]
        for _ in range(self.steps):
            policy = step(step(policy))
            path.append(policy.exp())
        return {"policy": path[-1], "path": torch.stack(path)}


_start = [4 / 6, 1 / 6, 1 / 6]
witness = Witness(
    # From (4, 1, 1) at eta = 8 ln 2, without a penalty: win rates 1/2, 3/4, 1/4 are factors 16, 64, 4, and the trial is (16, 16, 1) / 33. Against it the win
    # rates are (1/2 16 + 1, 16 + 1/2 16, 16 + 1/2) / 33 = (9, 24, 16.5) / 33.
    MirrorProx(eta=8 * LN2, tau=0.0, steps=1),
    parent=NashMD(eta=8 * LN2, tau=0.0, steps=1),
    given=cycle,
    returns={
        "policy": [w / (4 * 2 ** (72 / 33) + 2 ** (192 / 33) + 2**4) for w in (4 * 2 ** (72 / 33), 2 ** (192 / 33), 2**4)],
        "path": [_start, [w / (4 * 2 ** (72 / 33) + 2 ** (192 / 33) + 2**4) for w in (4 * 2 ** (72 / 33), 2 ** (192 / 33), 2**4)]],
    },
)
