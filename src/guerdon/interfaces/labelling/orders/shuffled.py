"""Shuffled: an order of the seed's, so that whoever stops early has labelled a sample."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch

from guerdon.randomness import generator


@dataclass(frozen=True)
class Shuffled:
    moves: ClassVar[bool] = False

    def __call__(self, rows: Sequence[Any], items: Sequence[Any], answers: Mapping[int, Any], kind: Any, seed: int) -> Sequence[int]:
        return torch.randperm(len(rows), generator=generator(seed, "order")).tolist()
