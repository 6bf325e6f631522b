"""What optimisers share."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

import torch
from torch import Tensor, nn


def trained_of(parameters: Iterable[nn.Parameter]) -> list[nn.Parameter]:
    """Those that are trained."""
    return [p for p in parameters if p.requires_grad]


def seen(optimiser: Any, trained: list[nn.Parameter]) -> Any:
    """A fused step leaves no trace in the parameters' version counters, by which whoever holds a copy of them sees that they moved."""
    optimiser.register_step_post_hook(lambda *_: torch.autograd.graph.increment_version(trained))
    return optimiser


def walked(optimiser: Any, start: Any, gradients: Sequence[Any]) -> Tensor:
    """Where a parameter is that began at ``start`` and saw one gradient after another, each clipped as a learner clips it."""
    parameter = nn.Parameter(torch.tensor(start, dtype=torch.float32))
    running = optimiser.build([parameter])
    for group in running.param_groups:
        group["lr"] = optimiser.learning_rate
    for gradient in gradients:
        parameter.grad = torch.tensor(gradient, dtype=torch.float32)
        nn.utils.clip_grad_norm_([parameter], optimiser.max_grad_norm)
        running.step()
    return parameter.detach()


def edges_of(module: nn.Module) -> list[nn.Parameter]:
    """Parameters of embeddings, of the head over the vocabulary and of heads of our own."""
    found = [p for inner in module.modules() if isinstance(inner, nn.Embedding) for p in inner.parameters(recurse=False)]
    for inner in module.modules():
        head = inner.get_output_embeddings() if hasattr(inner, "get_output_embeddings") else None
        found += list(head.parameters()) if head is not None else []
    if isinstance(module, nn.ModuleDict) and "head" in module:
        found += list(module["head"].parameters())
    return found


class Together:
    """Two optimisers as one."""

    def __init__(self, *optimisers: torch.optim.Optimizer):
        self.optimisers = optimisers

    @property
    def param_groups(self) -> list[dict[str, Any]]:
        return [group for each in self.optimisers for group in each.param_groups]

    def zero_grad(self, set_to_none: bool = True) -> None:
        for each in self.optimisers:
            each.zero_grad(set_to_none=set_to_none)

    def step(self) -> None:
        for each in self.optimisers:
            each.step()

    def state_dict(self) -> dict[str, Any]:
        return {"optimisers": [each.state_dict() for each in self.optimisers]}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        for each, own in zip(self.optimisers, state["optimisers"], strict=True):
            each.load_state_dict(own)


def within(parameter: nn.Parameter, some: Collection[nn.Parameter]) -> bool:
    """Whether it is one of them (tensors compare by value)."""
    return any(parameter is other for other in some)
