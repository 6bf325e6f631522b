"""Blind: in which order an item's answers are shown to an annotator. A function of the seed, the annotator and the item alone, so it is the same after a restart.

Nothing of the file's order reaches the page: where chosen always stood first, whoever labels would learn to follow it.
"""

import torch

from guerdon.randomness import generator


def order(size: int, seed: int, annotator: str, item: str) -> tuple[int, ...]:
    """Which answer of the file stands at each place that is shown."""
    return tuple(torch.randperm(size, generator=generator(seed, "shown", annotator, item)).tolist())
