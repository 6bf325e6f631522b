"""What the experiments with critiques share: a critic who says of each criterion whether it holds, and a reward head that reads an answer, its prompt and a critique of it.

A critique is K verdicts, drawn from the critic's probabilities; the reward head is linear in vectors, prompts, their products, verdicts, and the products of verdicts and
prompts, so that the mean of the rewards over several critiques is the reward of their mean.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from guerdon.atlas.generative_rewards._items import Items
from guerdon.randomness import generator

MOST = 16


@dataclass(frozen=True)
class Loud:
    """Critiques of every answer: ``shown`` [C, A, K], those that the head learns from, and ``written`` [MOST, C, A, K], which it reads afterwards."""

    here: Items
    shown: Tensor
    written: Tensor

    def scores(self, compared: tuple[Tensor, Tensor, Tensor], votes: tuple[int, ...]) -> dict[int, Tensor]:
        """[C, A] for each number of critiques. The ridge is chosen by rewards of as many critiques."""
        z = self.here.world.prompt_vectors()
        learned = features(self.here, z, self.shown)
        read = {n: scaled(features(self.here, z, self.written[:n].double().mean(0)), learned) for n in votes}
        asked = torch.arange(self.here.world.prompts).view(-1, 1, 1) < 70  # prompts to learn from
        return {n: self.here.preferring(torch.where(asked, scaled(learned, learned), seen), compared) for n, seen in read.items()}


def features(here: Items, z: Tensor, *critique: Tensor) -> Tensor:
    """[C, A, D]"""
    said = [part for one in critique for part in (one.double(), (one.double().unsqueeze(-1) * z[:, None, None, :]).flatten(2))]
    return torch.cat([here.beside(z), *said], -1)


def scaled(found: Tensor, by: Tensor) -> Tensor:
    """Each feature in the other's deviations from its mean, so that the ridge takes all alike."""
    return (found - by.mean((0, 1))) / by.std((0, 1)).clamp(min=1e-9)


def silent(here: Items, compared: tuple[Tensor, Tensor, Tensor], *told: Tensor) -> Tensor:
    """[C, A], the same head without critiques, told these numbers [C, A, K] instead."""
    found = features(here, here.world.prompt_vectors(), *told)
    return here.preferring(scaled(found, found), compared)


def sampled(likely: Tensor, votes: int, seed: int, purpose: str) -> Tensor:
    """[votes, C, A, K], critiques drawn from how likely a critic takes each criterion to hold."""
    return torch.rand(votes, *likely.shape, dtype=torch.float64, generator=generator(seed, purpose)) < likely
