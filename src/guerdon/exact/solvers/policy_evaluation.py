"""Policy evaluation: the values of a given policy in a finite decision process, by one linear solve.

    (I - discount * P_pi) V = r_pi,   Q(s, a) = reward(s, a) + discount * sum over s' of P(s' | s, a) V(s')

``policy`` [S, A] → ``value`` [S], ``q`` [S, A] and ``advantage`` [S, A] = Q - V. The discount must be below 1.

Source: Sutton and Barto 2018, eq. 4.4, as the linear system that section 4.1 names.
Differs from ValueIteration: the mean over the policy's actions instead of the maximum.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from guerdon.errors import InputError
from guerdon.exact.solvers._tables import distribution
from guerdon.exact.solvers.value_iteration import ValueIteration
from guerdon.witness import Witness


@dataclass(frozen=True)
class PolicyEvaluation:
    def __call__(self, transition: Tensor, reward: Tensor, discount: float, policy: Tensor) -> dict[str, Tensor]:
        if not 0 <= discount < 1:
            raise InputError(f"the discount is {discount}: a policy is evaluated with one in 0..1, 1 excluded")
        policy = distribution(policy, "policy")
        transition, reward = transition.double(), reward.double()
        moves = torch.einsum("sa,san->sn", policy, transition)
        value = torch.linalg.solve(torch.eye(len(moves), dtype=torch.float64) - discount * moves, (policy * reward).sum(-1))
        q = reward + discount * transition @ value
        return {"value": value, "q": q, "advantage": q - value.unsqueeze(-1)}


# The process of ValueIteration under the uniform policy: V(1) = 6, V(0) = 1/2 + (V(0) + 6) / 4, so V(0) = 8/3.
witness = Witness(
    PolicyEvaluation(),
    parent=ValueIteration(),
    given={
        "transition": torch.tensor([[[1.0, 0.0], [0.0, 1.0]], [[0.0, 1.0], [0.0, 1.0]]], dtype=torch.float64),
        "reward": torch.tensor([[1.0, 0.0], [3.0, 3.0]], dtype=torch.float64),
        "discount": 0.5,
        "policy": torch.tensor([[0.5, 0.5], [0.5, 0.5]], dtype=torch.float64),
    },
    returns={"value": [8 / 3, 6.0], "q": [[7 / 3, 3.0], [6.0, 6.0]], "advantage": [[-1 / 3, 1 / 3], [0.0, 0.0]]},
)
