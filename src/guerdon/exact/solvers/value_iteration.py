"""Value iteration: the optimal values of a finite decision process.

    V <- max over a of Q(s, a),   Q(s, a) = reward(s, a) + discount * sum over s' of P(s' | s, a) V(s')

Returns ``value`` [S], ``q`` [S, A] and ``policy`` [S, A], which takes the first of the best actions with probability 1. With a discount below 1
every value is within ``tolerance`` of the truth. An undiscounted process is solved if its values stop changing (each state can reach an end).

Source: Bellman 1957; Sutton and Barto 2018, eq. 4.10; the bound, Puterman 1994, theorem 6.3.1.
Defaults: ``tolerance`` 1e-12 (float64 has 16 digits), ``max_iterations`` 100,000: ours.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from guerdon.errors import InputError
from guerdon.witness import Witness


@dataclass(frozen=True)
class ValueIteration:
    tolerance: float = 1e-12
    max_iterations: int = 100_000

    def __call__(self, transition: Tensor, reward: Tensor, discount: float) -> dict[str, Tensor]:
        if not 0 <= discount <= 1:
            raise InputError(f"the discount is {discount}: it must be between 0 and 1")
        transition, reward = transition.double(), reward.double()
        value = torch.zeros(reward.shape[0], dtype=torch.float64)
        allowed = self.tolerance if discount == 1 else self.tolerance * (1 - discount) / max(discount, self.tolerance)
        for _ in range(self.max_iterations):
            q = reward + discount * transition @ value
            change = (q.amax(-1) - value).abs().max()
            value = q.amax(-1)
            rounding = 4 * torch.finfo(torch.float64).eps * value.abs().max()
            if change <= max(allowed, rounding):
                break
        else:
            raise InputError(
                f"values still change by {float(change):.2g} after {self.max_iterations} iterations: lower the discount ({discount}), "
                "or make sure that every state can reach an end"
            )
        q = reward + discount * transition @ value
        best = torch.nn.functional.one_hot(q.argmax(-1), q.shape[-1]).double()
        return {"value": value, "q": q, "policy": best}


# State 0: stay for 1, or go to state 1 for nothing; state 1 pays 3 for ever. Discount 1/2: V(1) = 6, going is worth 3, staying 1 + 3 / 2.
_two_states = {
    "transition": torch.tensor([[[1.0, 0.0], [0.0, 1.0]], [[0.0, 1.0], [0.0, 1.0]]], dtype=torch.float64),
    "reward": torch.tensor([[1.0, 0.0], [3.0, 3.0]], dtype=torch.float64),
    "discount": 0.5,
}
witness = Witness(
    ValueIteration(),
    given=_two_states,
    returns={"value": [3.0, 6.0], "q": [[2.5, 3.0], [6.0, 6.0]], "policy": [[0.0, 1.0], [1.0, 0.0]]},
)
