"""Resting: what is needed now and then lies in the host's memory, and is brought to the device for as long as it is needed.

Source: ours; a frozen model that is only asked once a step is what DeepSpeed and FSDP offload as well (arXiv 2101.06840).
"""

import contextlib
import copy
from collections.abc import Iterator, Mapping, Set
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from guerdon.models import Model
from guerdon.models.sharding import is_sharded
from guerdon.sequences import Sequences


def brought(value: Tensor, device: torch.device) -> Tensor:
    """The tensor on a device: itself where it lies there; of one that is split over processes, this one's part."""
    if is_sharded(value):
        return _like(value, brought(value._local_tensor, device))
    return value.to(device, non_blocking=True)


def put_down(value: Tensor, place: Tensor | None = None) -> Tensor:
    """The tensor in the host's memory: itself where it lies there, else a copy of it, in its former place if it has one."""
    if is_sharded(value):
        return _like(value, put_down(value._local_tensor, None if place is None else place._local_tensor))
    if value.device.type == "cpu":
        return value
    if place is None:
        pinned = torch.cuda.is_available() and type(value) is Tensor  # from where a card reads while it computes
        place = torch.empty_like(value, device="cpu", pin_memory=True) if pinned else torch.empty_like(value, device="cpu")
    return place.copy_(value, non_blocking=True)


def wait() -> None:
    """Until everything has arrived: the host reads what a card has not yet written."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def _like(value: Any, part: Tensor) -> Tensor:
    """A tensor that is split as ``value`` is, with another part here."""
    return value if part is value._local_tensor else type(value)(part, value._spec, requires_grad=False)


class Resting:
    """A frozen model whose weights are on its device while it measures, and no longer. In everything else it is the model."""

    def __init__(self, model: Model):
        self._model = model
        self._device = next(model.module.parameters()).device
        for parameter in model.module.parameters():
            parameter.data = put_down(parameter.data)
        self._drop_copy()
        wait()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)

    def measure(self, sequences: Sequences, names: Set[str], *views: Any) -> dict[str, Tensor]:
        """As the model does."""
        with self._here():
            return self._model.measure(sequences, names, *views)

    def next_steps(self, sequences: Sequences) -> Any:
        """As the model's. Its head, which turns states into logits later, stays for as long as these are held."""
        with self._here():
            found = self._model.next_steps(sequences)
            return replace(found, read=_alone(found.read)) if isinstance(found.read, nn.Module) else found

    @contextlib.contextmanager
    def _here(self) -> Iterator[None]:
        resting = [(parameter, parameter.data) for parameter in self._model.module.parameters()]
        try:
            for parameter, value in resting:
                parameter.data = brought(value, self._device)
            yield
        finally:
            for parameter, value in resting:
                parameter.data = value
            self._drop_copy()

    def _drop_copy(self) -> None:
        """A copy in another number format would stay on the device."""
        for model in (self._model, getattr(self._model, "policy", None)):
            vars(model).pop("_copy", None) if model is not None else None


def _alone(read: nn.Module) -> nn.Module:
    """The layer with its weights as they now are, wherever those of the model go."""
    alone = copy.copy(read)
    alone._parameters = {
        name: None if parameter is None else nn.Parameter(parameter.detach(), requires_grad=False)
        for name, parameter in read._parameters.items()
    }
    return alone


def can_rest(model: Any, policy: Any) -> bool:
    """Whether the model has frozen weights of its own, which are not the policy's."""
    module = getattr(model, "module", None)
    own = isinstance(module, nn.Module) and module is not policy.module
    parameters: Mapping[str, nn.Parameter] = dict(module.named_parameters()) if own else {}
    return bool(parameters) and not any(p.requires_grad for p in parameters.values())
