"""What experiments with preference games share: cycles of three answers, and the Bradley-Terry scores that explain a game best."""

import torch
from torch import Tensor

from guerdon.randomness import generator
from guerdon.worlds.finite.random_preference import RandomPreference


def cycle(seed: int) -> RandomPreference:
    """0 beats 1, 1 beats 2 and 2 beats 0, each with a probability drawn from U(0.6, 1)."""
    win = (0.6 + 0.4 * torch.rand(3, dtype=torch.float64, generator=generator(seed, "strengths"))).tolist()
    return RandomPreference(given=((0.5, win[0], 1 - win[2]), (0.0, 0.5, win[1]), (0.0, 0.0, 0.5)))


def scores(payoff: Tensor, asked: Tensor | None = None) -> Tensor:
    """[A], the maximum-likelihood Bradley-Terry scores when pairs are compared as often as ``asked`` [A, A] says (None: equally often): the expected wins are the
    wins. They sum to 0."""
    weight = payoff if asked is None else payoff * (asked + asked.T) / 2
    score = torch.zeros(len(payoff), dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.LBFGS([score], max_iter=200, tolerance_grad=1e-10, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimiser.zero_grad()
        value = -(weight * torch.nn.functional.logsigmoid(score.unsqueeze(-1) - score)).sum()
        value.backward()
        return value

    optimiser.step(loss)
    return (score - score.mean()).detach()
