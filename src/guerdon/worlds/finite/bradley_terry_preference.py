"""Bradley-Terry preference: every action has a score, and the chance to beat another grows with the difference.

    P(i beats j) = sigmoid(score_i - score_j)        transitive: the best action is the equilibrium

Source: Bradley and Terry 1952; as the model of human comparisons, InstructGPT, arXiv 2203.02155, eq. 1.
Default: scores from N(0, deviation^2), ``deviation`` 1.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from guerdon.randomness import generator
from guerdon.worlds.finite.enumerable import table
from guerdon.worlds.finite.preference import PreferenceGame


@dataclass(frozen=True)
class BradleyTerryPreference(PreferenceGame):
    contexts: int = 1
    actions: int = 3
    deviation: float = 1.0
    seed: int = 0
    given: tuple[tuple[float, ...], ...] | None = None  # [contexts][actions]: the scores; None: drawn

    def scores(self) -> Tensor:
        """[C, A], in nats of log-odds."""
        if self.given is not None:
            return table(self.given, (self.contexts, self.actions), "BradleyTerryPreference.given")
        rng = generator(self.seed, "bradley terry preference")
        return self.deviation * torch.randn(self.contexts, self.actions, dtype=torch.float64, generator=rng)

    def preference(self) -> Tensor:
        scores = self.scores()
        return torch.sigmoid(scores.unsqueeze(-1) - scores.unsqueeze(-2))
