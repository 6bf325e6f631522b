"""Moving tensors from the host to a device without waiting for what is going on there."""

import torch
from torch import Tensor


def onto(device: torch.device, *tensors: Tensor) -> tuple[Tensor, ...]:
    """The tensors on ``device``. To a GPU they go through pinned memory, behind what was asked for before, and the host goes on at once."""
    return tuple(_moved(x, device) for x in tensors)


def _moved(x: Tensor, device: torch.device) -> Tensor:
    if device.type != "cuda" or x.device.type != "cpu":
        return x.to(device)
    return x.pin_memory().to(device, non_blocking=True)
