"""In which number format to compute: by name, or by what a measurement finds faster on this machine.

Source: ours.
"""

from functools import cache
from time import perf_counter

import torch

from guerdon.errors import InputError

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
_SIZE, _TRIALS = 768, 5
WORTH = 1.5  # bfloat16 has to be so many times faster to be worth its rounding


def dtype_of(name: str, device: torch.device) -> torch.dtype:
    """The format called ``name``; ``auto`` is bfloat16 where its matrix products are clearly faster than those of float32.

    Raises:
        InputError: there is no such format.
    """
    if name == "auto":
        return torch.bfloat16 if gain_of_bfloat16(device) >= WORTH else torch.float32
    if name not in DTYPES:
        raise InputError(f"model.dtype: {name!r} is none of auto, {', '.join(DTYPES)}")
    return DTYPES[name]


@cache
def gain_of_bfloat16(device: torch.device) -> float:
    """How many times faster a matrix product is in bfloat16: the best of a few trials each, some milliseconds in all; 0 where the device has no such product."""
    try:
        return _seconds(torch.float32, device) / _seconds(torch.bfloat16, device)
    except (RuntimeError, TypeError):  # what older ones of Apple's say
        return 0.0


def _seconds(dtype: torch.dtype, device: torch.device) -> float:
    a, b = (torch.ones(_SIZE, _SIZE, dtype=dtype, device=device) for _ in range(2))
    best = float("inf")
    for _ in range(_TRIALS):
        begun = perf_counter()
        float((a @ b)[0, 0])  # reading a number waits for the device
        best = min(best, perf_counter() - begun)
    return best
