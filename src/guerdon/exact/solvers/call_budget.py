"""Call budget: when to call for help, where help may be called for so many times on average.

    maximise  E[sum of reward]   over policies   subject to   E[number of calls] <= budget

``transition`` [S, 2, S] and ``reward`` [S, 2] of a process that comes to an end: action 0 goes on alone, 1 calls. States that only lead to themselves at reward 0 are ends. At
a price for each call the process is solved by value iteration; the price is searched by bisection until the best policy's expected calls meet the budget.

Returns ``policy`` [S, 2], ``value``, ``calls`` (expected) and ``price``. With ``mix`` the two best policies at that price, of which one calls too often and the other too
seldom, are mixed by what they visit: the optimum, which calls as often as it may. Without it the more frugal one is taken, as where a helper has to be told yes or no in each
state.

Source: Self-Regulation and Requesting Interventions, arXiv 2502.04576 (dynamic programming at a cost for each request, searched until the budget is met), which does not mix;
constrained processes have such optima by Altman 1999, theorem 3.8. Differs from ValueIteration: what is spent is bounded, not what it costs.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from guerdon.errors import InputError
from guerdon.exact.solvers.value_iteration import ValueIteration
from guerdon.witness import Witness


@dataclass(frozen=True)
class CallBudget:
    mix: bool = True
    halvings: int = 40

    def __call__(self, transition: Tensor, reward: Tensor, initial: Tensor, budget: float) -> dict[str, Tensor]:
        if budget < 0 or reward.shape[-1] != 2:
            raise InputError(
                f"a budget of calls is 0 or more, with the actions 0 (alone) and 1 (call), not {budget} of {reward.shape[-1]} actions"
            )
        transition, reward, initial = transition.double(), reward.double(), initial.double()
        going = ~_ends(transition, reward)

        def visits_at(price: float) -> Tensor:
            charged = reward - price * torch.tensor([0.0, 1.0], dtype=torch.float64)
            charged[~going] = 0.0
            return _visits(transition, ValueIteration()(transition, charged, 1.0)["policy"], initial, going)

        low, high = 0.0, float(reward.abs().sum()) + 1.0
        spends, saves = visits_at(low), visits_at(high)
        if spends[:, 1].sum() <= budget:
            saves, high = spends, 0.0
        else:
            for _ in range(self.halvings):
                price = (low + high) / 2
                found = visits_at(price)
                if found[:, 1].sum() > budget:
                    low, spends = price, found
                else:
                    high, saves = price, found
        over, under = spends[:, 1].sum() - budget, budget - saves[:, 1].sum()
        share = under / (over + under) if self.mix and over > 0 else torch.zeros((), dtype=torch.float64)
        visits = share * spends + (1 - share) * saves
        there = visits.sum(-1, keepdim=True)
        policy = torch.where(there > 0, visits / there.clamp(min=1e-300), torch.tensor([1.0, 0.0], dtype=torch.float64))
        return {"policy": policy, "value": (visits * reward).sum(), "calls": visits[:, 1].sum(), "price": torch.tensor(high)}


def _ends(transition: Tensor, reward: Tensor) -> Tensor:
    """[S], whether a state leads only to itself and earns nothing."""
    own = torch.diagonal(transition, dim1=0, dim2=2).T  # [S, 2]
    return (own == 1).all(-1) & (reward == 0).all(-1)


def _visits(transition: Tensor, policy: Tensor, initial: Tensor, going: Tensor) -> Tensor:
    """[S, 2], how often each action is expected to be taken in each state before the end."""
    moves = torch.einsum("sa,san->sn", policy, transition)[going][:, going]
    often = torch.zeros(len(going), dtype=torch.float64)
    often[going] = torch.linalg.solve(torch.eye(len(moves), dtype=torch.float64) - moves.T, initial[going])
    return often.unsqueeze(-1) * policy


# Two tasks, as likely as each other, that are over after a step: help raises the first from 0.2 to 0.8 and the second from 0.5 to 0.7. With 0.75 calls the first
# calls always, the second every other time: (0.8 + 0.6) / 2.
_tasks = {
    "transition": torch.tensor([[[0.0, 0.0, 1.0]] * 2] * 3, dtype=torch.float64),
    "reward": torch.tensor([[0.2, 0.8], [0.5, 0.7], [0.0, 0.0]], dtype=torch.float64),
    "initial": torch.tensor([0.5, 0.5, 0.0], dtype=torch.float64),
    "budget": 0.75,
}
witness = (
    Witness(
        CallBudget(), given=_tasks, returns={"policy": [[0.0, 1.0], [0.5, 0.5], [1.0, 0.0]], "value": 0.7, "calls": 0.75, "price": 0.2}
    ),
    Witness(
        CallBudget(mix=False),
        parent=CallBudget(),
        given=_tasks,
        returns={"policy": [[0.0, 1.0], [1.0, 0.0], [1.0, 0.0]], "value": 0.65, "calls": 0.5, "price": 0.2},
    ),
    Witness(
        CallBudget(halvings=1),
        parent=CallBudget(),
        given=_tasks,
        returns={"policy": [[0.25, 0.75], [0.25, 0.75], [1.0, 0.0]], "value": 0.65, "calls": 0.75, "price": 1.6},
    ),
)
