"""Sharding: of a model that several processes train, each holds a part of what is trained, and of what the optimiser keeps with it.

A trained parameter of shape [N, ...] becomes one that is split along N (``torch.distributed.tensor``, as FSDP2 splits them), N / processes rows on each. What computes is
whole on every process: the compute copy (``models.language.compute_copy``), brought up to date after each step; so a model has to fit on one device in the format that is
computed in, and what is kept in float32 besides, parameter, gradient's share and both moments of Adam, is divided by the number of processes.

Source: ZeRO, arXiv 1910.02054, section 5.1: stage 1, the optimiser's state and here the float32 parameters too; the gradient that is being added up is whole (no stage 2). The
splitting is torch's.
"""

import contextlib
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn

from guerdon.processes import here

LOAD = 2**26  # numbers of one message: what is needed besides while it travels


def is_sharded(tensor: Any) -> bool:
    """Whether it is a part of one that other processes hold parts of."""
    return hasattr(tensor, "full_tensor")


def whole(tensor: Tensor) -> Tensor:
    """All of it, on every process; all have to ask."""
    return tensor.full_tensor() if is_sharded(tensor) else tensor


def sharded(tensor: Tensor) -> Tensor:
    """This process's part of what all of them hold alike."""
    from torch.distributed.tensor import Shard, distribute_tensor

    return distribute_tensor(tensor, _mesh(tensor.device.type), [Shard(0)], src_data_rank=None)


@torch.no_grad()
def gather(parts: Sequence[tuple[Tensor, Tensor]]) -> None:
    """Write the whole of each first tensor, which is split, into the second; all have to. Many travel in one message."""
    count = here().count
    for some in _loads(parts):
        sent = torch.cat([_filled(split.to_local().to(into.dtype), -(-len(into) // count)).reshape(-1) for split, into in some])
        received = sent.new_empty(count, len(sent))
        _newest("all_gather_single", "all_gather_into_tensor")(received.view(-1), sent)
        for (_, into), piece in zip(some, received.split([_size(into, count) for _, into in some], 1), strict=True):
            into.copy_(piece.reshape(-1, *into.shape[1:])[: len(into)])


@torch.no_grad()
def scatter(parts: Sequence[tuple[Tensor, Tensor]]) -> list[Tensor]:
    """Of each second tensor, which every process holds whole, this process's part of the sum over all, split as the first is; all have to."""
    from torch.distributed.tensor import DTensor

    out, count = [], here().count
    for some in _loads(parts):
        sent = torch.cat([_filled(whole, count * -(-len(whole) // count)).reshape(count, -1) for _, whole in some], 1)
        received = sent.new_empty(sent.shape[1])
        _newest("reduce_scatter_single", "reduce_scatter_tensor")(received, sent.reshape(-1))
        for (like, whole), piece in zip(some, received.split([_size(whole, count) for _, whole in some]), strict=True):
            local = piece.view(-1, *whole.shape[1:])[: len(like.to_local())].to(like.dtype)
            out.append(
                DTensor.from_local(local, like.device_mesh, like.placements, run_check=False, shape=like.shape, stride=like.stride())
            )
    return out


def _newest(name: str, before: str) -> Any:
    """The collective of that name, or what it was called before torch 2.13."""
    return getattr(torch.distributed, name, None) or getattr(torch.distributed, before)


def _size(whole: Tensor, count: int) -> int:
    """How many numbers a process's part has, filled up to the largest part."""
    return -(-len(whole) // count) * whole[0].numel()


def _filled(tensor: Tensor, rows: int) -> Tensor:
    """With rows of zeros at the end, so that all processes send as much."""
    return torch.cat([tensor, tensor.new_zeros(rows - len(tensor), *tensor.shape[1:])]) if len(tensor) < rows else tensor


def _loads(parts: Sequence[tuple[Tensor, Tensor]]) -> Iterator[list[tuple[Tensor, Tensor]]]:
    """Neighbours whose second tensors have one format, as many as fit into a message."""
    load: list[tuple[Tensor, Tensor]] = []
    for part in parts:
        if load and (load[0][1].dtype != part[1].dtype or sum(t.numel() for _, t in load) + part[1].numel() > LOAD):
            yield load
            load = []
        load.append(part)
    if load:
        yield load


def as_held(value: Tensor, like: Tensor) -> Tensor:
    """A value as ``like`` is held, whichever way it comes; a number is what it is."""
    if is_sharded(like) == is_sharded(value) or value.shape != like.shape:
        return value
    return sharded(value.to(like.device)) if is_sharded(like) else whole(value)


def shard(module: nn.Module) -> dict[int, nn.Parameter]:
    """Let every trained parameter of the module be one that is split; those that are tied stay tied. Returns the new ones by the ``id`` of the old."""
    made: dict[int, nn.Parameter] = {}
    for inner in module.modules():
        for name, parameter in inner._parameters.items():
            if parameter is not None and parameter.requires_grad and parameter.dim() and parameter.numel():
                if id(parameter) not in made:
                    made[id(parameter)] = nn.Parameter(sharded(parameter.detach()))
                inner._parameters[name] = made[id(parameter)]
    return made


def unshard(module: nn.Module, everywhere: bool = True) -> dict[int, nn.Parameter]:
    """Let every parameter be whole again, here, or (``everywhere=False``) on the first process only. Returns those that were split, by the ``id`` of the whole."""
    back: dict[int, nn.Parameter] = {}
    made: dict[int, nn.Parameter] = {}
    for inner in module.modules():
        for name, parameter in inner._parameters.items():
            if parameter is None or not is_sharded(parameter):
                continue
            if id(parameter) not in made:
                gathered = whole(parameter.detach())  # all have to take part
                if not (everywhere or here().first):
                    continue
                made[id(parameter)] = nn.Parameter(gathered)
                back[id(made[id(parameter)])] = parameter
            inner._parameters[name] = made[id(parameter)]
    return back


@contextlib.contextmanager
def gathered(model: Any) -> Iterator[None]:
    """Within, the model is whole on the first process, as for being saved."""
    module = getattr(model, "module", None)
    if not here().several or not isinstance(module, nn.Module):
        yield
        return
    back = unshard(module, everywhere=False)
    try:
        yield
    finally:
        for inner in module.modules():
            for name, parameter in inner._parameters.items():
                if id(parameter) in back:
                    inner._parameters[name] = back[id(parameter)]


@cache
def _mesh(device: str) -> Any:
    from torch.distributed.device_mesh import init_device_mesh

    return init_device_mesh(device, (torch.distributed.get_world_size(),))
