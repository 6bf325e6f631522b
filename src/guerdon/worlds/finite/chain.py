"""Chain: going on pays late and much, going back pays at once and little.

    advance (0): to the next state, reward 0; in the last state it stays there, reward ``far``
    return  (1): to the first state, reward ``near``
    with probability ``slip`` an action has the other's effect

Source: Strens 2000, A Bayesian Framework for Reinforcement Learning, the Chain problem: five states, rewards 10 and 2, slip 0.2.
``discount`` 0.99: ours (the paper counts 1,000 undiscounted steps).
"""

from dataclasses import dataclass

import torch

from guerdon.worlds.finite.decision_process import MDP


@dataclass(frozen=True)
class Chain:
    states: int = 5
    far: float = 10.0
    near: float = 2.0
    slip: float = 0.2
    discount: float = 0.99

    def tables(self) -> MDP:
        last = self.states - 1
        advance = torch.zeros(self.states, self.states, dtype=torch.float64)
        advance[torch.arange(self.states), torch.arange(1, self.states + 1).clamp(max=last)] = 1.0
        back = torch.zeros(self.states, self.states, dtype=torch.float64)
        back[:, 0] = 1.0
        earned = torch.zeros(self.states, 2, dtype=torch.float64)
        earned[last, 0] = self.far
        earned[:, 1] = self.near
        effect = torch.tensor([[1 - self.slip, self.slip], [self.slip, 1 - self.slip]], dtype=torch.float64)  # [action, effect]
        transition = torch.einsum("ae,esn->san", effect, torch.stack([advance, back]))
        return MDP(transition, earned @ effect.T, torch.eye(self.states, dtype=torch.float64)[0], self.discount)
