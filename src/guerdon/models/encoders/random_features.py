"""Random features: a hidden layer that is not trained, over items whose vectors are given.

    embedding(x) = (v, relu(W v + b)) / sqrt(H),   W ~ N(0, 1), b ~ N(0, 1)        [B, D + H], v [D] the item's vector

A linear head on it is a network of one hidden layer whose fit is convex, exact and takes milliseconds. Where it was told nothing it goes on in a line, and two of other seeds go on
in other lines: the seed is what pretraining left behind.

Source: random features, Rahimi and Recht 2007 (Random Features for Large-Scale Kernel Machines); the ReLU's kernel, Cho and Saul 2009.
Differs from Vectors: what is scored is no linear function of the vector.
Default: ``width`` 64 hidden units, ours.
"""

from dataclasses import dataclass
from typing import Any

import torch

from guerdon.models.encoders.vectors import VectorTable
from guerdon.randomness import generator


@dataclass(frozen=True)
class RandomFeatures:
    """Specification.

    Attributes:
        of: anything with ``features()`` [I, D].
        width: H.
        seed: of the hidden layer. The seed of ``build`` draws the head alone.
    """

    of: Any
    width: int = 64
    seed: int = 0

    def build(self, seed: int = 0) -> VectorTable:
        vectors = self.of.features().double()
        rng = generator(self.seed, "random features")
        weight = torch.randn(vectors.shape[1], self.width, dtype=torch.float64, generator=rng)
        bias = torch.randn(self.width, dtype=torch.float64, generator=rng)
        lifted = torch.cat([vectors, (vectors @ weight + bias).relu()], -1) / self.width**0.5
        return VectorTable(lifted.float())
