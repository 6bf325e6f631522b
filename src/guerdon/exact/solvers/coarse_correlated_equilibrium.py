"""Coarse correlated equilibrium: of all distributions over joint actions that nobody gains by leaving for one action, the one nearest to a target.

    minimise KL(joint || target)   subject to   gain[p, a] = E payoff_p(a, others) - E payoff_p <= slack     for every player p and action a

``payoff`` [P, A_1, ..., A_P] and ``target``, P distributions [A_p] whose product is aimed at (uniform if not given) → ``joint`` [A_1, ..., A_P], ``gain`` (P of [A_p], which rate
the actions: at most the slack, and the higher the better an answer) and ``marginal`` (P of [A_p]). ``slack`` is in units of the range of a player's payoffs, ``gain`` in their own.

The program is convex and its answer unique. Where the target gives a copy of an action a share of the action's own, neither gains nor the joint of the kinds change.
With ``slack`` 0 multipliers may have to be infinite: then it is refused.

Source: Liu et al. 2025, arXiv 2502.20170, the CCE of its selection; solved in the dual, one multiplier for each action, as maximum-entropy correlated equilibria are in
Marris et al. 2021, arXiv 2106.09435. ``slack``: the paper wants none; a thousandth of the range keeps multipliers finite.
Differs from NashOfMatrixGame: any number of players, no zero sum, and players may be correlated.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from guerdon.errors import InputError
from guerdon.witness import Witness


@dataclass(frozen=True)
class CoarseCorrelatedEquilibrium:
    slack: float = 1e-3
    tolerance: float = 1e-7
    steps: int = 200

    def __call__(self, payoff: Tensor, target: Sequence[Tensor] | None = None) -> dict[str, Tensor | list[Tensor]]:
        table = payoff.double().numpy()
        if table.ndim != len(table) + 1 or not np.isfinite(table).all():
            raise InputError(f"a game of P players needs finite payoffs [P, A_1, ..., A_P], not of shape {tuple(payoff.shape)}")
        shape = table.shape[1:]
        spread = np.array([np.ptp(own) or 1.0 for own in table])
        table = table / spread.reshape(-1, *[1] * len(shape))
        aimed = [np.full(n, 1 / n) for n in shape] if target is None else [one.double().numpy() for one in target]
        with np.errstate(divide="ignore"):
            logs = sum(np.log(one).reshape([-1 if axis == p else 1 for axis in range(len(shape))]) for p, one in enumerate(aimed))
        leaving = np.vstack([_leaving(own, p) for p, own in enumerate(table)])  # [sum of A_p, joint actions]
        at = self._nearest(leaving, np.broadcast_to(logs, shape).reshape(-1)).reshape(shape)
        gain = np.split(leaving @ at.reshape(-1), np.cumsum(shape)[:-1])
        axes = range(len(shape))
        return {
            "joint": torch.from_numpy(at),
            "gain": [torch.from_numpy(own * unit) for own, unit in zip(gain, spread, strict=True)],
            "marginal": [torch.from_numpy(at.sum(tuple(axis for axis in axes if axis != p))) for p in axes],
        }

    def _nearest(self, leaving: np.ndarray, logs: np.ndarray) -> np.ndarray:
        """The joint: Newton's steps in the prices that are not held at 0 (Bertsekas 1982), downwards on log E_target exp(-price @ leaving) + slack sum price."""

        def dual(price: np.ndarray) -> tuple[float, np.ndarray]:
            logit = logs - price @ leaving
            top = logit.max()
            weight = np.exp(logit - top)
            return float(top + np.log(weight.sum()) + self.slack * price.sum()), weight / weight.sum()

        price = np.zeros(len(leaving))
        value, joint = dual(price)
        for _ in range(self.steps):
            gain = leaving @ joint
            slope = self.slack - gain
            if max(slope[price == 0].min(initial=0.0) * -1, abs(slope[price > 0]).max(initial=0.0)) <= self.tolerance:
                return joint
            free = (price > 0) | (slope < 0)
            apart = leaving[free] - gain[free, None]
            curved = (apart * joint) @ apart.T
            step = np.zeros_like(price)
            step[free] = np.linalg.solve(curved + (1e-10 + 1e-9 * np.trace(curved)) * np.eye(len(curved)), -slope[free])
            size = 1.0
            while True:
                new = np.maximum(price + size * step, 0.0)
                lower, there = dual(new)
                if lower <= value + 1e-4 * float(slope @ (new - price)) or size < 1e-10:
                    break
                size /= 2
            price, value, joint = new, lower, there
        raise InputError(f"no equilibrium of this game was found within {self.tolerance:g}: give it more slack than {self.slack:g}")


def _leaving(payoff: np.ndarray, player: int) -> np.ndarray:
    """[A, joint actions]: what a player gains by each action, whatever it was to do."""
    found = [np.broadcast_to(payoff.take([a], player), payoff.shape) - payoff for a in range(payoff.shape[player])]
    return np.stack(found).reshape(len(found), -1)


# One player who gets 1 or 0: the better is played with the odds at which the worse one's share is the slack, and the other's gain is share - 1.
witness = Witness(
    CoarseCorrelatedEquilibrium(slack=0.25, tolerance=1e-9),
    parent=CoarseCorrelatedEquilibrium(slack=0.5),
    given={"payoff": torch.tensor([[[1.0, 1.0], [0.0, 0.0]], [[0.0, 0.0], [0.0, 0.0]]], dtype=torch.float64)},
    returns={"joint": [[0.375, 0.375], [0.125, 0.125]], "gain": [[0.25, -0.75], [0.0, 0.0]], "marginal": [[0.75, 0.25], [0.5, 0.5]]},
)
