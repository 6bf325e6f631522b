"""What a card must not be asked while it works: a dispatch mode, on any device, that refuses what would make the host wait or gives a shape that depends on data; and one
that records what it sees and plays it back as a CUDA graph does."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

WAITS = ("_local_scalar_dense", "is_nonzero", "item", "equal", "allclose", "is_pinned")
DEPENDS = (
    "nonzero",
    "nonzero_static",
    "masked_select",
    "unique",
    "_unique",
    "_unique2",
    "unique_dim",
    "unique_consecutive",
    "unique_dim_consecutive",
    "bincount",
    "histc",
)
BY_MASK = (
    "index",
    "index_put",
    "index_put_",
    "_index_put_impl_",
    "_unsafe_index",
    "_unsafe_index_put",
)  # with a mask of booleans these look for its nonzero places


class HostSync(AssertionError):
    """The host would have to wait for the device."""


class NoHostSyncs(TorchDispatchMode):
    """Within, an operation that makes the host wait for numbers is an error."""

    def __torch_dispatch__(self, func: Any, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        kwargs = kwargs or {}
        self.look(func, args, kwargs)
        return func(*args, **kwargs)

    def look(self, func: Any, args: tuple, kwargs: dict) -> None:
        name = func.overloadpacket.__name__
        by_mask = name in BY_MASK and any(isinstance(x, Tensor) and x.dtype in (torch.bool, torch.uint8) for x in tree_leaves(args[1]))
        repeats = name == "repeat_interleave" and kwargs.get("output_size") is None
        if name in WAITS or name in DEPENDS or by_mask or repeats:
            raise HostSync(f"{func} looks at numbers of the device")


class Recording(NoHostSyncs):
    """What was done, so that it can be done again: the same operations, with the numbers and shapes that they had, on the same storage. While it is recorded nothing comes of it.

    Attributes:
        did: the operations, with the shapes of their tensors.
    """

    def __init__(self, function: Callable[[], None]):
        super().__init__()
        self.operations: list[tuple[Any, tuple, dict, Any]] = []
        self.own: set[int] = set()  # storage that was made within
        self.before: dict[int, tuple[Tensor, Tensor]] = {}
        with self:
            function()
        for now, then in self.before.values():
            now.copy_(then)

    def __torch_dispatch__(self, func: Any, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        kwargs = kwargs or {}
        self.look(func, args, kwargs)
        for spec, x in zip(func._schema.arguments, args, strict=False):
            if spec.alias_info is not None and spec.alias_info.is_write and isinstance(x, Tensor):
                self._remember(x)
        out = func(*args, **kwargs)
        inputs = {_where(x) for x in tree_leaves((args, kwargs)) if isinstance(x, Tensor)}
        self.own |= {_where(x) for x in tree_leaves(out) if isinstance(x, Tensor)} - inputs
        self.operations.append((func, args, kwargs, out))
        return out

    def _remember(self, x: Tensor) -> None:
        where = _where(x)
        if where not in self.own and where not in self.before:
            whole = torch.empty(0, dtype=x.dtype).set_(x.untyped_storage())
            self.before[where] = whole, whole.clone()

    def __call__(self) -> None:
        """All of it again."""
        made: dict[int, Any] = {}

        def now(x: Any) -> Any:
            return made.get(id(x), x)

        for func, args, kwargs, out in self.operations:
            again = func(*tree_map(now, args), **tree_map(now, kwargs))
            for old, new in zip(tree_leaves(out), tree_leaves(again), strict=True):
                if isinstance(old, Tensor):
                    made[id(old)] = new

    @property
    def did(self) -> list[tuple[str, tuple]]:
        return [(str(f), tuple(tuple(x.shape) for x in tree_leaves((a, k)) if isinstance(x, Tensor))) for f, a, k, _ in self.operations]


def _where(x: Tensor) -> int:
    return x.untyped_storage()._cdata
