"""What experiments share in which a policy learns from what its own answers were paid: answers that are vectors, a policy linear in their features, and plain policy gradients.

A policy draws an answer of each prompt by softmax(features . w). A step draws prompts and answers, is told what they earn, and goes up the gradient of advantage times
log-probability. What the policy is worth is worked out exactly, on prompts that it has not seen.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from guerdon.randomness import generator

Paid = Callable[[Tensor, Tensor], Tensor]  # prompts [B], answers [B, G] -> advantages [B, G]


@dataclass(frozen=True)
class Climbing:
    """``features`` [C, A, D], in deviations; ``learned`` and ``held_out`` are ranges of prompts."""

    features: Tensor
    learned: range
    held_out: range

    def climbed(
        self, paid: Paid, learning_rate: float, seed: int, stops: Sequence[int], batch: int, each: int, measured: Callable[[Tensor], dict]
    ) -> dict[str, dict[int, float]]:
        """Curves over ``stops`` of what ``measured`` says of the held-out policy's log-probabilities [C, A], and its KL from the uniform one."""
        w, rng = self.features.new_zeros(self.features.shape[-1]), generator(seed, "climbing")
        curves: dict[str, dict[int, float]] = {}
        for step in range(max(stops) + 1):
            if step in stops:
                for name, value in (measured(self.policy(w)) | {"KL": self.divergence(w)}).items():
                    curves.setdefault(name, {})[step] = float(value)
            prompts = self.learned.start + torch.randint(len(self.learned), (batch,), generator=rng)
            seen = self.features[prompts]
            policy = (seen @ w).softmax(-1)
            answers = torch.multinomial(policy, each, replacement=True, generator=rng)
            own = seen.gather(1, answers.unsqueeze(-1).expand(-1, -1, seen.shape[-1])) - (policy.unsqueeze(1) @ seen)
            w = w + learning_rate * (paid(prompts, answers).unsqueeze(-1) * own).mean((0, 1))
        return curves

    def policy(self, w: Tensor) -> Tensor:
        return (self.features[self.held_out] @ w).log_softmax(-1)

    def divergence(self, w: Tensor) -> float:
        logp = self.policy(w)
        return float((logp.exp() * (logp + torch.tensor(float(logp.shape[-1])).log())).sum(-1).mean())


@dataclass
class Critic:
    """What a prompt's answers earn, linear in what is seen of it: least squares over all that was earned so far, with a little ridge."""

    width: int

    def __post_init__(self) -> None:
        self.squares = torch.eye(self.width, dtype=torch.float64)
        self.sums = torch.zeros(self.width, dtype=torch.float64)

    def __call__(self, seen: Tensor) -> Tensor:
        return seen @ torch.linalg.solve(self.squares, self.sums)

    def told(self, seen: Tensor, earned: Tensor) -> None:
        self.squares += seen.T @ seen
        self.sums += seen.T @ earned
