"""Moving tensors between the host and a device without waiting for what is going on there.

What a learner measures stays on the device until its step is made (``staying``): to read a number is to wait for everything that was asked for before it, and
a GPU that is waited for has nothing to do while the host thinks about what comes next. Everywhere else what is measured comes to the host, as it always did.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import torch
from torch import Tensor

QUEUED = {"cuda"}  # kinds of devices to which a copy is put in line, behind what was asked for before
_stays: ContextVar[bool] = ContextVar("stays", default=False)


def onto(device: torch.device, *tensors: Tensor) -> tuple[Tensor, ...]:
    """The tensors on ``device``. To a GPU they go through pinned memory, and the host goes on at once."""
    return tuple(_moved(x, device) for x in tensors)


def _moved(x: Tensor, device: torch.device) -> Tensor:
    if x.device == device:
        return x
    if device.type not in QUEUED or x.device.type != "cpu":
        return x.to(device)
    return x.pin_memory().to(device, non_blocking=True)


@contextmanager
def staying() -> Iterator[None]:
    """Within, what a model measures is left on its device."""
    token = _stays.set(True)
    try:
        yield
    finally:
        _stays.reset(token)


def brought(x: Tensor) -> Tensor:
    """What was measured, where it is to be used: on the host, or where it is."""
    return x if _stays.get() else x.cpu()


def finest(device: torch.device) -> torch.dtype:
    """The longest floating-point format that a device computes in."""
    return torch.float32 if device.type == "mps" else torch.float64
