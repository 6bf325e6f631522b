"""Checkpointed: the state of a run whose tensors are split over processes, written by all of them at once (``torch.distributed.checkpoint``) and read by any number.

checkpoints/step-00000050/shards/     each process's parts
                          state.pt    everything else, with a ``Place`` where a tensor was split
"""

import contextlib
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from guerdon.errors import RunFailed
from guerdon.models.sharding import is_sharded, sharded
from guerdon.processes import here

SHARDS = "shards"


class Damaged(RunFailed):
    """A checkpoint cannot be read."""


@contextlib.contextmanager
def damaged() -> Iterator[None]:
    """Whatever fails within says that the checkpoint is damaged."""
    try:
        yield
    except Exception as error:
        raise Damaged(str(error)) from error


@contextlib.contextmanager
def _as_it_was() -> Iterator[None]:
    """What went wrong on a process while parts were written or read, for itself: torch tells it to all of them in something that is no ``Exception``."""
    from torch.distributed.checkpoint.api import CheckpointException

    try:
        yield
    except CheckpointException as error:
        raise next(failure for failure, _ in error.failures.values()) from None


@dataclass(frozen=True)
class Place:
    """Where a tensor is to be found among those that were split."""

    name: str


def taken_out(state: Mapping[str, Any]) -> tuple[Any, dict[str, Tensor]]:
    """The state with places for tensors that are split, and those tensors by their places."""
    found: dict[str, Tensor] = {}

    def take(value: Any) -> Any:
        if not is_sharded(value):
            return value
        name = str(len(found))
        found[name] = value
        return Place(name)

    return _mapped(state, take), found


def write(tensors: Mapping[str, Tensor], folder: Path) -> None:
    """Write this process's parts, while the others write theirs."""
    import torch.distributed.checkpoint as distributed

    with _as_it_was():
        distributed.save(dict(tensors), checkpoint_id=folder)


def put_back(state: Any, folder: Path) -> Any:
    """The state with every tensor in its place: this process's part of it, or all of it where there is one process. All have to ask.

    Raises:
        Damaged: the parts cannot be read.
    """
    names: list[str] = []
    _mapped(state, lambda value: names.append(value.name) if isinstance(value, Place) else value)
    if not names:
        return state
    import torch.distributed.checkpoint as distributed

    with damaged(), _as_it_was(), warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # that there is one process only is no news
        sizes = distributed.FileSystemReader(folder).read_metadata().state_dict_metadata
        empty = {name: torch.zeros(sizes[name].size, dtype=sizes[name].properties.dtype) for name in names}
        read = {name: sharded(tensor) if here().several else tensor for name, tensor in empty.items()}
        distributed.load(read, checkpoint_id=folder, no_dist=not here().several)
    return _mapped(state, lambda value: read[value.name] if isinstance(value, Place) else value)


def _mapped(value: Any, change: Callable[[Any], Any]) -> Any:
    """The tree with every leaf changed."""
    if isinstance(value, Mapping):
        return {key: _mapped(own, change) for key, own in value.items()}
    if isinstance(value, list | tuple) and type(value) in (list, tuple):
        return type(value)(_mapped(own, change) for own in value)
    return change(value)
