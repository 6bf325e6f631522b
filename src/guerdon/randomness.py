"""Randomness: every generator is derived from the run's seed and the name of what it is for.

Nothing draws from a global generator, so there is no generator to save: a resumed run derives the same numbers.
"""

import hashlib

import torch


def derive(seed: int, *purpose: int | str) -> int:
    """A seed for ``purpose``, a pure function of its arguments, uniform over 63 bits."""
    text = "/".join(str(word) for word in (seed, *purpose))
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big") >> 1


def generator(seed: int, *purpose: int | str) -> torch.Generator:
    """A generator of its own for ``purpose``."""
    return torch.Generator().manual_seed(derive(seed, *purpose))
