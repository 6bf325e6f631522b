"""Attention over a layout: in the place of a model's attention function, by one of the ways of ``attentions``.

``transformers`` calls it wherever it would call its own, with grouped heads as they are: no key is repeated for the queries that share it.
"""

import contextlib
from collections.abc import Iterator
from functools import cached_property, partial
from typing import Any

import torch
from torch import Tensor, nn
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

from guerdon.models.language.attentions import Asked, Attention, NotSupported
from guerdon.models.language.attentions._choosing import way_for
from guerdon.models.language.checkpointing import Again, going_through
from guerdon.models.language.layout import Layout, Shape

__all__ = ["NAME", "Attending", "Kept", "NotSupported", "attention", "by_its_own_code"]
NAME = "guerdon_layout"


class Attending:
    """How queries attend while a layout goes through a model: each token once, to the trunk and branch that it is on.

    Attributes:
        longest: the length of the longest sequence, or that to which it may still grow.
        bounds: whether windows that are shorter than that, and soft caps, may be asked for.
    """

    bounds = True

    def __init__(self, layout: Layout, shape: Shape, device: torch.device, longest: int | None = None):
        self.layout, self.shape, self.device = layout, shape, device
        self.longest = layout.longest if longest is None else longest
        self._ready: dict[Any, tuple[Attention, Any]] = {}  # ways with their plans, by what was asked

    def attend(
        self, layer: int, query: Tensor, key: Tensor, value: Tensor, scale: float, window: int | None = None, softcap: float | None = None
    ) -> Tensor:
        """``query`` [T, H, D], ``key`` and ``value`` [T, K, D] with K dividing H → [T, H, D].

        Raises:
            NotSupported: there is no way that can do this here.
        """
        how = query.dtype, query.shape[-1], window, softcap
        if how not in self._ready:
            asked = Asked(query.device, query.dtype, self.shape, query.shape[-1], any(self.layout.branches), window, softcap)
            way = way_for(asked)
            self._ready[how] = way, way.plan(self.layout, asked)
        way, plan = self._ready[how]
        return way.attend(query, key, value, plan, scale, softcap)


class Kept(Attending):
    """Attention over contexts, which keeps their keys and values, by layer. What follows them is attended to elsewhere, without windows."""

    bounds = False

    @cached_property
    def kept(self) -> dict[int, tuple[Tensor, Tensor]]:
        return {}

    def attend(self, layer: int, query: Tensor, key: Tensor, value: Tensor, scale: float, **more: Any) -> Tensor:
        self.kept[layer] = key, value
        return super().attend(layer, query, key, value, scale, **more)


def attention(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float | None = None,
    dropout: float = 0.0,
    *,
    attending: Any = None,
    sliding_window: int | None = None,
    softcap: float | None = None,
    **others: Any,
) -> tuple[Tensor, None]:
    """What ``transformers`` calls in every layer, with tensors [1, H, T, D]; ``attending`` says how queries attend.

    Raises:
        NotSupported: the layer wants more than scaled dot products over the whole past.
    """
    if attending is None or others.get("s_aux") is not None or others.get("position_bias") is not None:
        raise NotSupported
    bounds = bounds_of(attending, sliding_window, softcap)
    scale = query.shape[-1] ** -0.5 if scaling is None else scaling
    query, key, value = (x[0].transpose(0, 1) for x in (query, key, value))
    return attending.attend(module.layer_idx, query, key, value, scale, **bounds).unsqueeze(0), None


def bounds_of(attending: Any, window: int | None, softcap: float | None = None) -> dict[str, Any]:
    """What ``attending.attend`` is to be told of a layer's window and soft cap: nothing where the window reaches over all that there is.

    Raises:
        NotSupported: there is something to tell, and it cannot be told.
    """
    told: dict[str, Any] = {"window": window} if window is not None and window < attending.longest else {}
    told |= {"softcap": softcap} if softcap else {}
    if told and not getattr(attending, "bounds", False):
        raise NotSupported
    return told


ALL_ATTENTION_FUNCTIONS.register(NAME, attention)


def by_its_own_code(body: nn.Module, tokens: Tensor, positions: Tensor, attending: Any, again: Again | None = None) -> Tensor:
    """The last hidden states [T, D] of a row of tokens, by the model's code with ``attention`` in the place of its own. ``again``: see ``checkpointing``.

    Raises:
        NotSupported: the model cannot attend so.
    """
    here = partial(_attending, body.config)
    with here(), going_through(body, again and again.also(here)):
        return body(
            input_ids=tokens.unsqueeze(0), position_ids=positions.unsqueeze(0), use_cache=False, attending=attending
        ).last_hidden_state[0]


@contextlib.contextmanager
def _attending(config: Any) -> Iterator[None]:
    """Within, a model of this configuration calls ``attention``."""
    own = config._attn_implementation
    config._attn_implementation = NAME
    try:
        yield
    finally:
        config._attn_implementation = own
