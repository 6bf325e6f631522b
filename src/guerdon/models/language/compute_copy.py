"""A compute copy: what a model computes with in a shorter number format, while the parameters that are trained stay in float32.

The trained parameters (master weights) are those of the module. The copy holds the same values rounded, is brought up to date whenever they
have changed, and hands its gradients on to them, added up in float32 micro-batch by micro-batch. Frozen parameters that already have
the copy's format are shared, not copied.

float16 has no numbers between 0 and 6e-8, where many gradients lie. There the gradient of what leaves the copy is multiplied by a power of two on its way in, so that its
largest number is ``ROOM``, and what is handed on to the masters is divided by it. The power is found anew in each backward pass from the gradient itself, so
there is no state to keep. Where a sum in between was too large all the same, the learner skips the step, which is counted, and the room is made smaller for as long as
the process lives.

Source: master weights and scaling of the loss: Micikevicius et al. 2018, arXiv 1710.03740, sections 3.1 and 3.2. That the scale is found from the gradient: ours.
"""

import copy
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from guerdon.models.moving import finest
from guerdon.models.sharding import gather, is_sharded, scatter, shard
from guerdon.processes import here

ROOM = 1.0  # the largest number of a gradient that enters a copy in float16
LESS = 2.0**-4  # of the room is left after a gradient that was not finite


class ComputeCopy:
    """The copy of ``module`` in ``dtype``."""

    def __init__(self, module: nn.Module, dtype: torch.dtype | None = None):
        frozen = [p for p in module.parameters() if not p.requires_grad]
        shared = {id(p): p for p in frozen if dtype in (None, p.dtype) or not p.is_floating_point()}
        self.scales, self.room = dtype == torch.float16, ROOM
        self.scale: Tensor | None = None  # 0 until a gradient came that has anything in it
        self.copy = copy.deepcopy(module, shared)
        self.copy = _with_buffers_of(module, self.copy if dtype is None else self.copy.to(dtype))
        own = dict(self.copy.named_parameters())
        self.pairs = [(p, own[name]) for name, p in module.named_parameters() if p is not own[name]]
        self.gradients: dict[int, Tensor] = {}  # of masters that are split over processes, by their place: of this process's rows, whole
        for place, (master, mine) in enumerate(self.pairs):
            if master.requires_grad:
                mine.register_post_accumulate_grad_hook(self._handing_on_to(place))
        self.versions: list[int] = []
        self.split = False

    @property
    def module(self) -> nn.Module:
        """The copy, with the values that the parameters have now. Where they are split over processes, those that they had when ``gather`` was called."""
        if self.split:
            return self.copy
        versions = [master._version for master, _ in self.pairs]
        if versions != self.versions:
            with torch.no_grad():
                torch._foreach_copy_([mine for _, mine in self.pairs], [master for master, _ in self.pairs])
            self.versions = versions
        return self.copy

    def shard(self, module: nn.Module) -> None:
        """Split what is trained over the processes; ``module`` is the one that is copied."""
        self.module  # noqa: B018  brought up to date
        made = shard(module)
        self.pairs = [(made.get(id(master), master), mine) for master, mine in self.pairs]
        self.split = True

    def gather(self) -> None:
        """Bring the copy up to date with parameters that are split over processes; all have to."""
        gather([pair for pair in self.pairs if is_sharded(pair[0])])

    def scatter(self) -> None:
        """Hand the gradient of all processes' rows on to the parameters, of which each holds a part; all have to."""
        there = sorted(set().union(*here().each(lambda: set(self.gradients), "adding up gradients")))
        masters = [self.pairs[place][0] for place in there]
        own = [self.gradients.pop(place, None) for place in there]
        parts = [
            (master, torch.zeros_like(self.pairs[place][1], dtype=master.dtype) if mine is None else mine)
            for place, master, mine in zip(there, masters, own, strict=True)
        ]
        for master, gradient in zip(masters, scatter(parts), strict=True):
            master.grad = gradient

    def drop_gradients(self) -> None:
        """Forget what a backward pass that did not come to its end has left."""
        self.gradients.clear()
        for _, mine in self.pairs:
            mine.grad = None

    def leaving(self, x: Tensor) -> Tensor:
        """What was computed with the copy, as it is used elsewhere: the same numbers, in float32 where the gradient has to be scaled."""
        if not self.scales or not x.requires_grad:
            return x
        self.scale = None
        return _Leaving.apply(x, self)

    def scale_for(self, gradient: Tensor) -> Tensor | float:
        """By what a gradient is multiplied that enters: found from the first that has anything in it, and then the same until something leaves again. A number
        on the gradient's device, so that nobody waits for it."""
        if not gradient.numel():
            return 1.0 if self.scale is None else _or_one(self.scale)
        largest = gradient.abs().max().to(finest(gradient.device))
        found = torch.exp2(torch.log2(self.room / largest).round())
        found = torch.where((largest > 0) & largest.isfinite(), found, torch.zeros_like(found))
        self.scale = found if self.scale is None else torch.where(self.scale > 0, self.scale, found)
        return _or_one(self.scale)

    def _handing_on_to(self, place: int) -> Callable[[Tensor], None]:
        def hand_on(mine: Tensor) -> None:
            gradient, mine.grad = mine.grad, None
            master = self.pairs[place][0]
            if self.scales and self.scale is not None:
                fine = (self.scale == 0) | gradient.isfinite().all()
                self.room = self.room * torch.where(fine, 1.0, LESS)
                gradient = gradient.to(master.dtype).div_(_or_one(self.scale))
            if is_sharded(master):
                before = self.gradients.get(place)
                self.gradients[place] = gradient.to(master.dtype) if before is None else before.add_(gradient)
            elif master.grad is None:
                master.grad = gradient.to(master.dtype)
            else:
                master.grad += gradient

        return hand_on


class _Leaving(torch.autograd.Function):
    """x → x in float32; its gradient is scaled before it becomes one in float16."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, copy: ComputeCopy):
        ctx.copy, ctx.dtype = copy, x.dtype
        return x.to(torch.promote_types(x.dtype, torch.float32), copy=True)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor):
        return (gradient * ctx.copy.scale_for(gradient)).to(ctx.dtype), None


def _or_one(scale: Tensor) -> Tensor:
    return torch.where(scale > 0, scale, torch.ones_like(scale))


def _with_buffers_of(module: nn.Module, other: nn.Module) -> nn.Module:
    """``other`` with the buffers of ``module`` (the frequencies of rotary positions), which are not to be rounded."""
    for name, buffer in module.named_buffers():
        parent, _, leaf = name.rpartition(".")
        other.get_submodule(parent)._buffers[leaf] = buffer
    return other
