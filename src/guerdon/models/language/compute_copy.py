"""A compute copy: what a model computes with in a shorter number format, while the parameters that are trained stay in float32.

The trained parameters (master weights) are those of the module. The copy holds the same values rounded, is brought up to date whenever they
have changed, and hands its gradients on to them, added up in float32 micro-batch by micro-batch. Frozen parameters that already have
the copy's format are shared, not copied.

Source: master weights: Micikevicius et al. 2018, arXiv 1710.03740, section 3.1.
"""

import copy
from collections.abc import Callable

import torch
from torch import Tensor, nn


class ComputeCopy:
    """The copy of ``module`` in ``dtype``."""

    def __init__(self, module: nn.Module, dtype: torch.dtype):
        shared = {id(p): p for p in module.parameters() if not p.requires_grad and p.dtype == dtype}
        self.copy = copy.deepcopy(module, shared).to(dtype)
        self.copy = _with_buffers_of(module, self.copy)
        own = dict(self.copy.named_parameters())
        self.pairs = [(p, own[name]) for name, p in module.named_parameters() if p is not own[name]]
        for master, mine in self.pairs:
            if master.requires_grad:
                mine.register_post_accumulate_grad_hook(_handing_on_to(master))
        self.versions: list[int] = []

    @property
    def module(self) -> nn.Module:
        """The copy, with the values that the parameters have now."""
        versions = [master._version for master, _ in self.pairs]
        if versions != self.versions:
            with torch.no_grad():
                for master, mine in self.pairs:
                    mine.copy_(master)
            self.versions = versions
        return self.copy


def _handing_on_to(master: Tensor) -> Callable[[Tensor], None]:
    def hand_on(mine: Tensor) -> None:
        if master.grad is None:
            master.grad = mine.grad.to(master.dtype)
        else:
            master.grad += mine.grad
        mine.grad = None

    return hand_on


def _with_buffers_of(module: nn.Module, other: nn.Module) -> nn.Module:
    """``other`` with the buffers of ``module`` (the frequencies of rotary positions), which are not to be rounded."""
    for name, buffer in module.named_buffers():
        parent, _, leaf = name.rpartition(".")
        other.get_submodule(parent)._buffers[leaf] = buffer
    return other
