"""Lots: numbers that are as good as random and made of a step's own, so that they depend on no split of a batch and no other randomness."""

import torch
from torch import Tensor


def mixed(x: Tensor) -> Tensor:
    """Bits that depend on all bits of whole numbers: the finaliser of splitmix64."""
    x = (x ^ _shifted(x, 30)) * -4658895280553007687  # 0xBF58476D1CE4E5B9 as a signed number
    x = (x ^ _shifted(x, 27)) * -7723592293110705685  # 0x94D049BB133111EB
    return x ^ _shifted(x, 31)


def bits_of(x: Tensor) -> Tensor:
    """Those of numbers, in double precision."""
    return x.detach().double().contiguous().view(torch.int64)


def uniform(bits: Tensor) -> Tensor:
    """Numbers in [0, 1)."""
    return _shifted(bits, 11).double() / 2**53


def _shifted(x: Tensor, by: int) -> Tensor:
    """Shifted right, with zeros for what was shifted out."""
    return (x >> by) & ((1 << (64 - by)) - 1)
