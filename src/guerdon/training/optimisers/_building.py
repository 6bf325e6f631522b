"""What optimisers share."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from guerdon.models.sharding import as_held, is_sharded, whole


def trained_of(parameters: Iterable[nn.Parameter]) -> list[nn.Parameter]:
    """Those that are trained."""
    return [p for p in parameters if p.requires_grad]


def alike(parameters: Sequence[nn.Parameter]) -> list[list[nn.Parameter]]:
    """The parameters in groups of one kind: those that are split over processes, and those that are not; torch steps on no mixture."""
    kinds = ([p for p in parameters if is_sharded(p)], [p for p in parameters if not is_sharded(p)])
    return [kind for kind in kinds if kind]


def kinds(parameters: Sequence[nn.Parameter]) -> list[dict[str, list[nn.Parameter]]]:
    """As torch's optimisers take groups."""
    return [{"params": kind} for kind in alike(parameters)]


def clip(parameters: Sequence[nn.Parameter], largest: float) -> float:
    """The norm of the whole gradient, which is cut to ``largest``."""
    kinds = alike([p for p in parameters if p.grad is not None])
    norms = [whole(nn.utils.get_total_norm([p.grad for p in kind])) for kind in kinds]
    norm = norms[0] if len(norms) == 1 else torch.linalg.vector_norm(torch.stack([n.float() for n in norms])) if norms else torch.zeros(())
    for kind in kinds:
        nn.utils.clip_grads_with_norm_(kind, largest, norm)
    return float(norm)


def held_alike(state: dict[str, Any], optimiser: torch.optim.Optimizer) -> dict[str, Any]:
    """An optimiser's state with every tensor held as the optimiser's parameters now are: whole, or split over so many processes."""
    if "state" not in state:  # of several at once
        return {"optimisers": [held_alike(own, each) for own, each in zip(state["optimisers"], optimiser.optimisers, strict=True)]}
    parameters = dict(enumerate(p for group in optimiser.param_groups for p in group["params"]))
    kept = {
        place: {name: as_held(v, parameters[place]) if isinstance(v, Tensor) else v for name, v in own.items()}
        for place, own in state["state"].items()
    }
    return {**state, "state": kept}


def seen(optimiser: Any, trained: list[nn.Parameter]) -> Any:
    """A fused step leaves no trace in the parameters' version counters, by which whoever holds a copy of them sees that they moved."""
    optimiser.register_step_post_hook(lambda *_: torch.autograd.graph.increment_version(trained))
    return optimiser


def set_rate(optimiser: Any, rate: float) -> None:
    """Let the next step be so long. Some optimisers hold the number in a tensor, which their compiled step reads."""
    for group in optimiser.param_groups:
        if isinstance(group["lr"], Tensor):
            group["lr"].fill_(rate)
        else:
            group["lr"] = rate


def walked(optimiser: Any, start: Any, gradients: Sequence[Any]) -> Tensor:
    """Where a parameter is that began at ``start`` and saw one gradient after another, each clipped as a learner clips it."""
    parameter = nn.Parameter(torch.tensor(start, dtype=torch.float32))
    running = optimiser.build([parameter])
    set_rate(running, optimiser.learning_rate)
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
