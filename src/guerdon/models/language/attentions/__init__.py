"""Attentions: ways in which the queries of a layout attend, each token once, to the trunk and the branch that it is on.

A file holds one way. ``why_not`` says why it cannot do what is asked for, ``plan`` prepares what all layers of a micro-batch share, and ``attend`` is differentiable::

    attend(query [T, H, D], key [T, K, D], value [T, K, D], plan, scale, softcap) -> [T, H, D]

On a CPU the first that can is taken, by ``rank``; on a GPU the fastest of those that can, by a measurement (``_choosing``). All compute what ``_plain`` says.
"""

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import torch
from torch import Tensor

from guerdon.models.language.layout import Layout, Shape


class NotSupported(Exception):
    """The model asks of its attention what is not done here: the plain path is to be taken."""


@dataclass(frozen=True)
class Asked:
    """What a way is to be able to do.

    Attributes:
        width: of a head.
        shared: whether some context is answered by several sequences.
        window: how many keys a query sees at most, itself included; None: all that came before.
        softcap: scores are bounded to ``softcap * tanh(score / softcap)``; None: they are not.
    """

    device: torch.device
    dtype: torch.dtype
    shape: Shape
    width: int
    shared: bool = False
    window: int | None = None
    softcap: float | None = None

    @property
    def kind(self) -> "Asked":
        """The same for all windows and caps: what is measured once."""
        return replace(self, window=None if self.window is None else 0, softcap=None if self.softcap is None else 0.0)


@dataclass(frozen=True)
class Attention:
    """What every way is.

    Attributes:
        rank: the lower is tried first where nothing is measured.
    """

    rank: ClassVar[int] = 0

    def why_not(self, asked: Asked) -> str:
        """Why it cannot do this; empty where it can."""
        raise NotImplementedError

    def plan(self, layout: Layout, asked: Asked) -> Any:
        """What the layers of a micro-batch share."""
        raise NotImplementedError

    def attend(self, query: Tensor, key: Tensor, value: Tensor, plan: Any, scale: float, softcap: float | None) -> Tensor:
        raise NotImplementedError
