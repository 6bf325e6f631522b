"""Activation checkpointing: of each layer only its input is kept for the backward pass, which computes what lies between once more.

    kept    T L D + (what one layer keeps)    in the place of L times what one layer keeps, of T tokens and L layers of width D
    price   one more forward pass of the layers: of four parts of work where all is trained (forward one, backward two) the third becomes the fourth

Values and gradients are those without it, bit for bit: what is computed again is computed by the same operations from the same numbers; what a layer drops
depends on no generator (``adapters``).

Source: Chen et al. 2016, arXiv 1604.06174, with a segment for each layer; ``torch.utils.checkpoint`` without reentrance.
"""

import contextlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from guerdon.errors import InputError

Context = Callable[[], AbstractContextManager[Any]]


@dataclass(frozen=True)
class Again:
    """How a layer is gone through whose activations are not kept.

    Attributes:
        within: what surrounded the forward pass and has to surround the second one, which comes when it has long been left.
    """

    within: tuple[Context, ...] = ()

    def __call__(self, layer: Callable[..., Any], *args: Any, **named: Any) -> Any:
        """``layer(*args, **named)``."""
        inside = partial(_contexts, self.within)
        return checkpoint(layer, *args, use_reentrant=False, preserve_rng_state=False, context_fn=inside, **named)

    def also(self, context: Context) -> "Again":
        """The same, within one more context."""
        return replace(self, within=(*self.within, context))


def through(again: Again | None, layer: Callable[..., Tensor], *args: Any) -> Tensor:
    """``layer(*args)``, computed again in the backward pass if that was asked for."""
    return layer(*args) if again is None else again(layer, *args)


@contextlib.contextmanager
def going_through(module: nn.Module, again: Again | None) -> Iterator[None]:
    """Within, the layers of a module of ``transformers`` are gone through as ``again`` says.

    Models are never in training mode here, which their own switch (``gradient_checkpointing_enable``) waits for. So the layers that it would switch are found, and
    their forward pass is put into ``again``.
    """
    layers = [] if again is None else layers_of(module)
    for layer in layers:
        layer.forward = partial(again, layer.forward)
    try:
        yield
    finally:
        for layer in layers:
            del layer.forward  # the class's own is beneath


def layers_of(module: nn.Module) -> list[nn.Module]:
    """The layers that ``transformers`` would checkpoint, none inside of another.

    Raises:
        InputError: there are none.
    """
    from transformers.modeling_layers import GradientCheckpointingLayer

    found: dict[int, nn.Module] = {}  # a layer may stand in several places
    waiting = [module]
    while waiting:
        one = waiting.pop()
        if isinstance(one, GradientCheckpointingLayer):
            found[id(one)] = one
        else:
            waiting += one.children()
    if not found:
        raise InputError(
            f"activation_checkpointing: a {type(module).__name__} says of none of its layers that they may be computed again; set it to false, and lower "
            "budget.tokens_per_micro_batch where memory is short"
        )
    return list(found.values())


class _Inside:
    """Contexts that are entered together, as often as a backward pass comes."""

    def __init__(self, contexts: tuple[Context, ...]):
        self.contexts = contexts

    def __enter__(self) -> None:
        with contextlib.ExitStack() as stack:
            for context in self.contexts:
                stack.enter_context(context())
            self.stack = stack.pop_all()

    def __exit__(self, *error: Any) -> None:
        self.stack.close()


def _contexts(within: tuple[Context, ...]) -> tuple[AbstractContextManager[Any], AbstractContextManager[Any]]:
    return contextlib.nullcontext(), _Inside(within)
