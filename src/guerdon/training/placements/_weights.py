"""Weights on their way: a policy as another process can build it, and whether what was sent is what is there.

A policy is sent once, as its pickle without its tensors and the tensors as bytes beside it, which every worker of a machine reads from the same memory. Later
only what is trained is sent. A *fingerprint* is of all parameters, by name:

    sum of x_i,  sum of i x_i     modulo 2^64, over the 32-bit words x_1 ... x_n of each tensor's bytes

Exact in any order and on any device, so that a card need not send its weights back to have them compared, and half the time of SHA-256 on a CPU: 0.17 s for 128 million
numbers in float32 on one core. It is there to notice what was lost or mixed up on the way, not a forgery. A parameter that has not been written to since it was last
looked at is not looked at again, by either side.

Source: ours; the two sums are Fletcher's (1982, "An arithmetic checksum for serial transmissions"), with words of 32 bits.
"""

import copy
import hashlib
import io
import pickle
import sys
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import cloudpickle
import numpy as np
import torch
from torch import Tensor, nn

from guerdon.errors import InputError
from guerdon.models.sharding import is_sharded, whole

CHUNK = 2**16  # words that are summed at once on a CPU, whose cache they fit into
LARGE = 2**24  # and elsewhere


@dataclass(frozen=True)
class Packed:
    """A tensor as bytes; ``name`` of its format."""

    data: np.ndarray
    dtype: str
    shape: tuple[int, ...]

    def tensor(self) -> Tensor:
        """The tensor, in memory that is not to be written to."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that it is not to be written to
            return torch.from_numpy(self.data).view(getattr(torch, self.dtype)).view(self.shape)


def packed(tensor: Tensor) -> Packed:
    """A tensor as it is now."""
    flat = tensor.detach().to("cpu", copy=True).contiguous().reshape(-1)
    return Packed(flat.view(torch.uint8).numpy(), str(flat.dtype).removeprefix("torch."), tuple(tensor.shape))


@dataclass(frozen=True)
class Sent:
    """Anything as it is sent: its pickle, and the tensors in it."""

    pickle: bytes
    tensors: list[Packed]


class _Pickler(cloudpickle.Pickler):
    """Takes the tensors out; those that are one stay one."""

    def __init__(self, into: io.BytesIO):
        super().__init__(into)
        self.found: dict[int, tuple[int, Tensor]] = {}

    def persistent_id(self, thing: Any) -> Any:
        if type(thing) not in (Tensor, nn.Parameter) or thing.layout != torch.strided:
            return None
        place, _ = self.found.setdefault(id(thing), (len(self.found), thing))
        return place, type(thing) is nn.Parameter, thing.requires_grad


class _Unpickler(pickle.Unpickler):
    def __init__(self, sent: Sent):
        super().__init__(io.BytesIO(sent.pickle))
        self.tensors, self.made = sent.tensors, {}

    def persistent_load(self, known: Any) -> Any:
        place, parameter, trained = known
        if place not in self.made:
            tensor = self.tensors[place].tensor().clone()
            self.made[place] = nn.Parameter(tensor, trained) if parameter else tensor.requires_grad_(trained)
        return self.made[place]


def sent(thing: Any, what: str) -> Sent:
    """Anything as it is sent.

    Raises:
        InputError: ``what`` cannot be sent, and why.
    """
    for name, module in list(sys.modules.items()):
        if name.startswith("guerdon_reward_"):  # a file of the user's, which is no module where it is sent to
            cloudpickle.register_pickle_by_value(module)
    into = io.BytesIO()
    pickler = _Pickler(into)
    try:
        pickler.dump(thing)
    except Exception as error:  # whatever a pickler meets in what it holds
        raise InputError(f"{what} cannot be sent to another process ({type(error).__name__}: {error})") from error
    return Sent(into.getvalue(), [packed(tensor) for _, tensor in pickler.found.values()])


def received(known: Sent) -> Any:
    """What was sent."""
    return _Unpickler(known).load()


def bare(policy: Any) -> Any:
    """The policy without what it finds out again: a copy that is computed with, what its layers can do."""
    out = copy.copy(policy)
    for name in [name for name in vars(out) if isinstance(getattr(type(out), name, None), cached_property)]:
        del out.__dict__[name]
    return out


def trained(module: nn.Module) -> dict[str, Tensor]:
    """What is trained, by name, whole; where it is split over processes all have to ask."""
    return {name: whole(p.detach()) for name, p in module.named_parameters() if p.requires_grad}


def moves(module: nn.Module) -> list[int] | None:
    """How often each trained parameter has been written to, and which they are; None where that is not known: what is written to the parts of a tensor that is split is not
    counted."""
    own = [p for p in module.parameters() if p.requires_grad]
    return None if any(map(is_sharded, own)) else [number for p in own for number in (id(p), p._version)]


@torch.no_grad()
def take(module: nn.Module, values: Mapping[str, Packed]) -> None:
    """Write values that came into the module's parameters."""
    own = dict(module.named_parameters())
    for name, value in values.items():
        own[name].copy_(value.tensor())


class Fingerprints:
    """Fingerprints of one set of parameters, as they change. ``whole``: by name, those that are split over processes, as they are whole."""

    def __init__(self) -> None:
        self.known: dict[str, tuple[tuple[int, int], str]] = {}

    def of(self, module: nn.Module, whole: Mapping[str, Tensor] = {}) -> str:
        digest = hashlib.sha256()
        for name, parameter in sorted(module.named_parameters(), key=lambda pair: pair[0]):
            now = id(parameter), parameter._version
            if is_sharded(parameter) or self.known.get(name, (None, ""))[0] != now:
                tensor = whole[name] if is_sharded(parameter) else parameter
                self.known[name] = now, f"{name} {tensor.dtype} {tuple(tensor.shape)} {sums(tensor)}"
            digest.update(self.known[name][1].encode())
        return digest.hexdigest()


@torch.no_grad()
def sums(tensor: Tensor) -> tuple[int, int]:
    """The two sums of a tensor's bytes."""
    data = tensor.detach().contiguous().reshape(-1).view(torch.uint8)
    if len(data) % 4:
        data = torch.cat([data, data.new_zeros(-len(data) % 4)])
    words = data.view(torch.int32)
    chunk = CHUNK if words.device.type == "cpu" else LARGE
    place = torch.arange(1, min(chunk, len(words)) + 1, device=words.device)
    plain = weighted = 0
    for k, some in enumerate(words.split(chunk)):
        some = some.long()
        own = int(some.sum())
        plain += own
        weighted += int((some * place[: len(some)]).sum()) + k * chunk * own
    return plain % 2**64, weighted % 2**64
