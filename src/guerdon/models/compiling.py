"""Compiling: small functions between matrix products as one kernel each, on a GPU, by ``torch.compile``.

A GPU does the arithmetic of a small model faster than the host can ask for it, so that operations which a compiler puts together are time that nobody waits. What is
compiled are functions of tensors, weights among them: every layer calls the same one, and it is compiled once for all of them. The first length that is seen gets code
of its own, the second one code for any length; lengths are filled up to few distinct ones besides (``layout.CUTS``). Inductor keeps what it has compiled in its own cache
(``TORCHINDUCTOR_CACHE_DIR``), from which the next run takes it.

Where nothing can be compiled the same functions run operation by operation; ``why_not`` says why.

Source: ours; Ansel et al. 2024, PyTorch 2, for what compiles.
"""

import os
from collections.abc import Callable
from functools import wraps
from importlib.util import find_spec
from typing import Any, TypeVar, cast

import torch
from torch import Tensor

from guerdon.saying import say

SWITCH = "GUERDON_COMPILE"
"""This environment variable set to ``off``: nothing is compiled, and attention on a GPU is that of kept kernels or blocks."""
KINDS = 64  # of code for one function: several models, number formats, with and without gradients and adapters, one length and any length

Function = TypeVar("Function", bound=Callable[..., Any])
_failed: list[str] = []


def why_not(device: torch.device) -> str:
    """Why nothing is compiled for this device; empty where it is."""
    if device.type != "cuda":
        return "it is done on NVIDIA and AMD cards only"
    if os.environ.get(SWITCH) == "off":
        return f"{SWITCH}=off"
    if find_spec("triton") is None:
        return "triton is not installed, which torch compiles with"
    return _failed[0] if _failed else ""


def compiled(function: Function) -> Function:
    """The function, compiled where its first tensor is on a device for which something is."""
    made: list[Callable[..., Any]] = []

    @wraps(function)
    def either(*args: Any, **named: Any) -> Any:
        tensor = next(x for x in args if isinstance(x, Tensor))
        if why_not(tensor.device):
            return function(*args, **named)
        if not made:
            made.append(compiling(function))
        try:
            return made[0](*args, **named)
        except (
            torch._dynamo.exc.TorchDynamoException
        ) as error:  # of the compiler, and not of what is computed: memory that runs out is another one
            failed(error)
            return function(*args, **named)

    return cast(Function, either)


def compiling(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function under ``torch.compile``."""
    config = torch._dynamo.config
    name = "recompile_limit" if hasattr(config, "recompile_limit") else "cache_size_limit"
    setattr(config, name, max(getattr(config, name), KINDS))
    config.specialize_float = True  # scales and caps are numbers of a model: as inputs they are more than the compiler of attention can do
    return torch.compile(function)


def failed(error: Exception) -> None:
    """The compiler gave up: nothing is compiled any more in this process, and whoever watches is told."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    reason = f"torch's compiler failed: {type(error).__name__}: {' '.join(lines[:2])[:200]}"
    if not _failed:
        _failed.append(reason)
        say(
            f"{reason}; what lies between matrix products is computed operation by operation, which is slower and right all the same ({SWITCH}=off skips the attempt)"
        )
