"""A pretended card: tensors that say they are on another device and hold their numbers on this one.

What a step does with it is what it would do with a card, so that on a machine without one it can be seen where the host would wait, where tensors of two devices would meet, and
where a format is used that a device lacks. All of that is written down in ``Card.seen``; with ``strict`` it is an error where it happens, with the line that did it.

The device is called ``meta``, the only one of which torch makes tensors without having it.
"""

import traceback
from collections import Counter
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map_only

DEVICE = torch.device("meta")
HOST = torch.device("cpu")
aten = torch.ops.aten
READS = {
    aten._local_scalar_dense.default: "a number is read",
    aten.nonzero.default: "places are looked for",
    aten.masked_select.default: "as many are taken as a mask says",
    aten.equal.default: "tensors are compared",
    aten.is_nonzero.default: "a number is read",
    aten._unique2.default: "distinct values are looked for",
    aten.unique_dim.default: "distinct values are looked for",
    aten.repeat_interleave.Tensor: "a length is read",
    aten.bincount.default: "a length is read",
}
INDEXED = {aten.index.Tensor, aten.index_put.default, aten.index_put_.default, aten._index_put_impl_.default}
COPIES = {aten._to_copy.default, aten.copy_.default, aten._copy_from.default}
BY_NUMBER = {aten.where.self, aten.where.ScalarSelf, aten.masked_fill.Tensor, aten.masked_fill_.Tensor}


class There(Tensor):
    """A tensor of the card."""

    @staticmethod
    def __new__(cls, held: Tensor, requires_grad: bool = False):
        made = Tensor._make_wrapper_subclass(
            cls,
            held.shape,
            strides=held.stride(),
            storage_offset=held.storage_offset(),
            dtype=held.dtype,
            device=DEVICE,
            requires_grad=requires_grad,
        )
        made.held = held
        return made

    @classmethod
    def __torch_dispatch__(cls, func, types, args=(), kwargs=None):
        return Card.now.compute(func, args, kwargs or {})

    def __repr__(self, *_, **__):
        return f"There({self.held!r})"

    __torch_function__ = torch._C._disabled_torch_function_impl


class Card(TorchDispatchMode):
    """
    Args:
        strict: what is seen is an error.
        lacks: formats that the card does not compute in.
    """

    now: "Card"

    def __init__(self, strict: bool = False, lacks: tuple[torch.dtype, ...] = ()):
        super().__init__()
        self.strict, self.lacks, self.seen = strict, lacks, Counter()

    def __enter__(self):
        Card.now = self
        return super().__enter__()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        return self.compute(func, args, kwargs or {})

    def note(self, what: str) -> None:
        lines = [f for f in traceback.extract_stack() if "/guerdon/" in f.filename or "/tests/" in f.filename]
        own = [f for f in lines if "pretended_card" not in f.filename]
        where = f"{own[-1].filename.rsplit('/guerdon/', 1)[-1]} in {own[-1].name}: {own[-1].line}" if own else "?"
        self.seen[f"{what}: {where}"] += 1
        if self.strict:
            raise AssertionError(f"{what}: {where}")

    def compute(self, func, args, kwargs):
        given = [x for x in tree_leaves((args, kwargs)) if isinstance(x, Tensor)]
        there, here = [x for x in given if isinstance(x, There)], [x for x in given if not isinstance(x, There) and x.device == HOST]
        device = kwargs.get("device")
        onto = DEVICE if device is not None and torch.device(device) == DEVICE else HOST if device is not None else None
        copies = func in COPIES
        if there and not copies:
            if func in READS:
                self.note(READS[func])
            if func in INDEXED:
                self.indexed(args)
            if any(x.dim() for x in here):
                self.note(f"{func} of tensors on two devices")
        if func is aten._to_copy.default and onto is not None:
            if there and onto == HOST:
                self.note("the host waits for a copy")
            if here and onto == DEVICE and not kwargs.get("non_blocking"):
                self.note("a copy is waited for")
        if func is aten.copy_.default and there and here:
            self.note("the host waits for a copy")
        kwargs = {
            k: (HOST if k == "device" and v is not None else False if k in ("non_blocking", "pin_memory") else v) for k, v in kwargs.items()
        }
        held = lambda tree: tree_map_only(There, lambda x: x.held, tree)  # noqa: E731
        out = func(*held(args), **held(kwargs))
        result_there = onto == DEVICE if onto is not None else bool(there)
        if func is aten.copy_.default:
            result_there = isinstance(args[0], There)
        if not result_there:
            return out
        own = {id(x.held): x for x in there}
        wrapped = tree_map_only(Tensor, lambda x: own.get(id(x)) if id(x) in own else There(x), out)
        if self.lacks and any(x.dtype in self.lacks for x in tree_leaves(wrapped) if isinstance(x, Tensor)):
            self.note(f"{func} in a format that the card lacks")
        return wrapped

    def indexed(self, args) -> None:
        indices = [x for x in tree_leaves(args[1]) if isinstance(x, Tensor)]
        if any(not isinstance(x, There) for x in indices):
            self.note("indices on the host are copied")
        scalar = len(args) > 2 and isinstance(args[2], Tensor) and args[2].dim() == 0
        if any(x.dtype == torch.bool for x in indices) and not scalar:
            self.note("as many are taken as a mask says")


def put_on(module: nn.Module) -> nn.Module:
    """The module with its parameters and buffers on the card."""
    for inner in module.modules():
        for name, p in list(inner._parameters.items()):
            if p is not None:
                inner._parameters[name] = nn.Parameter(There(p.detach()), requires_grad=p.requires_grad)
        for name, b in list(inner._buffers.items()):
            if b is not None:
                inner._buffers[name] = There(b)
    return module


@contextmanager
def at_hand(monkeypatch, **more):
    """A card, to which copies are put in line as to a real one."""
    from guerdon.models import moving

    monkeypatch.setattr(moving, "QUEUED", {DEVICE.type})
    monkeypatch.setattr(Tensor, "pin_memory", lambda self, *_: self)
    card = Card(**more)
    with card:
        yield card
