"""Handing a policy's weights over to another program in this process: by the names under which a folder would hold them, adapters merged, what is tied once.

Nothing is written to a disk, and nothing copied but what adapters are merged into.

Source: ours. Names and forms are those of ``save_pretrained`` of ``transformers``, whose own way back from its names to a checkpoint's is used.
"""

import copy
import math
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

from guerdon.models.language.saving import merged

Sums = tuple[float, float]
"""The sum of all numbers, and the root of the sum of their squares, in float64."""


def alone(policy: Any) -> nn.Module:
    """The module that computes, standing without adapters: where there are some, a copy into which they are merged."""
    module = policy.computing
    return merged(copy.deepcopy(module)) if hasattr(module, "disable_adapter") else module


def named(module: nn.Module) -> dict[str, Tensor]:
    """The weights by their names."""
    from transformers.core_model_loading import revert_weight_conversion

    every = {name for name, _ in module.named_parameters(remove_duplicate=False)}
    once = {name for name, _ in module.named_parameters()}
    state = {name: value for name, value in module.state_dict().items() if name in once or name not in every}
    with torch.no_grad():
        return revert_weight_conversion(module, state)


def sums(tensors: Iterable[Tensor]) -> Sums:
    """What stays when matrices are joined, split, transposed, put in another order or padded with zeros, as those who compute do, and does not when a number
    changes."""
    total, squares = 0.0, 0.0
    for tensor in tensors:
        total += float(tensor.detach().sum(dtype=torch.float64))
        squares += float(torch.linalg.vector_norm(tensor.detach(), dtype=torch.float64)) ** 2
    return total, math.sqrt(squares)


def alike(one: Sums, other: Sums) -> bool:
    """Whether these are sums of the same numbers, added up in another order: within a billionth of their size."""
    size = max(one[1], other[1])
    return all(abs(a - b) <= 1e-9 * size for a, b in zip(one, other, strict=True))
