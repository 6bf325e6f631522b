"""In which number format to compute: by name, or by what a measurement finds faster on this machine.

Source: ours.
"""

from functools import cache
from time import perf_counter

import torch

from guerdon.errors import InputError

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
_SIZE, _TRIALS = 768, 5
WORTH = 1.5  # a shorter format has to be so many times faster to be worth its rounding
SHORT = {
    "cuda": (torch.bfloat16, torch.float16)
}  # in the order in which they are tried: cards without products in bfloat16 have them in float16


def dtype_of(name: str, device: torch.device) -> torch.dtype:
    """The format called ``name``; ``auto`` is bfloat16 where its matrix products are clearly faster than those of float32, and on a card where they are not, float16 if its are.

    Raises:
        InputError: there is no such format.
    """
    if name == "auto":
        short = SHORT.get(device.type, (torch.bfloat16,))
        return next((dtype for dtype in short if gain_of(dtype, device) >= WORTH), torch.float32)
    if name not in DTYPES:
        raise InputError(f"model.dtype: {name!r} is none of auto, {', '.join(DTYPES)}")
    return DTYPES[name]


@cache
def gain_of(dtype: torch.dtype, device: torch.device) -> float:
    """How many times faster a matrix product is than in float32: the best of a few trials each, some milliseconds in all; 0 where the device has no such product."""
    try:
        return _seconds(torch.float32, device) / _seconds(dtype, device)
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
