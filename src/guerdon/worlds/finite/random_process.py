"""Random process: a decision process without structure, each action leading to a few states (a Garnet).

    ``branching`` next states of each (state, action), drawn without repetition; their probabilities are the pieces into which
    uniform cuts divide [0, 1]; rewards from N(0, 1); the first state uniform

Source: Archibald, McKinnon and Thomas 1995, On the generation of Markov decision processes. The distribution of the rewards and
``discount`` 0.95 are ours.
"""

from dataclasses import dataclass

import torch

from guerdon.errors import InputError
from guerdon.randomness import generator
from guerdon.worlds.finite.decision_process import MDP


@dataclass(frozen=True)
class RandomProcess:
    states: int = 10
    actions: int = 3
    branching: int = 3
    discount: float = 0.95
    seed: int = 0

    def tables(self) -> MDP:
        if not 1 <= self.branching <= self.states:
            raise InputError(f"RandomProcess.branching is {self.branching}: choose between 1 and the number of states, {self.states}")
        rng = generator(self.seed, "random process")
        pairs = self.states * self.actions
        order = torch.rand(pairs, self.states, generator=rng).argsort(-1)[:, : self.branching]
        cuts = torch.rand(pairs, self.branching - 1, dtype=torch.float64, generator=rng).sort(-1).values
        pieces = torch.diff(cuts, prepend=torch.zeros(pairs, 1), append=torch.ones(pairs, 1))
        transition = torch.zeros(pairs, self.states, dtype=torch.float64).scatter(1, order, pieces)
        reward = torch.randn(self.states, self.actions, dtype=torch.float64, generator=rng)
        initial = torch.full((self.states,), 1 / self.states, dtype=torch.float64)
        return MDP(transition.view(self.states, self.actions, self.states), reward, initial, self.discount)
