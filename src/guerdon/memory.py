"""Memory that runs out: what says so, what is freed then, and how much is tried from then on.

A gradient is a sum over rows with weights of the whole batch, and a sequence is measured and drawn by itself; so what did not fit at once is done in smaller
pieces, with the same result.

Source: ours.
"""

import gc
from collections.abc import Callable

import torch

# What allocators say with another exception than torch.OutOfMemoryError: the one for CPUs, that of Apple's GPUs, the matrix products of a card.
_SAID = (
    "DefaultCPUAllocator",
    "MPS backend out of memory",
    "CUDA out of memory",
    "CUDA error: out of memory",
    "CUBLAS_STATUS_ALLOC_FAILED",
)


def ran_out(error: BaseException) -> bool:
    """Whether it is that memory ran out, on whatever device."""
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or (
        isinstance(error, RuntimeError) and any(said in str(error) for said in _SAID)
    )


def free() -> None:
    """Give back what nobody holds any more. The error that said that memory ran out holds all that was being computed, so it has to be gone."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    elif torch.backends.mps.is_available():
        torch.mps.empty_cache()


def tried(work: Callable[[], None]) -> bool:
    """Do it, and say whether there was memory enough; if not, what it took is free again."""
    try:
        work()
    except Exception as error:
        if not ran_out(error):
            raise
    else:
        return True
    free()
    return False


class AtOnce:
    """How much is done at once: what was asked for, and less from the moment when that did not fit. One for as long as a run lasts.

    Attributes:
        most: tokens of a micro-batch, or rows that are drawn.
    """

    def __init__(self, most: int):
        self.most = most

    @classmethod
    def of(cls, most: "AtOnce | int") -> "AtOnce":
        """As it is, or of a number that is for this once."""
        return most if isinstance(most, cls) else cls(most)

    def begin(self) -> None:
        """One piece is about to be gone through."""

    def seen(self, size: int) -> None:
        """It has been, and was so large."""

    def went_well(self) -> None:
        """All pieces have been gone through."""

    def ran_out(self) -> None:
        """It was too much."""
