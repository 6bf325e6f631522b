"""By the ``flash-attn`` package, where it is installed.

Source: Dao 2023, arXiv 2307.08691; the package is that of its author.
Differs from VariableLength: it bounds scores too, and may be newer than what torch was built with.
"""

from dataclasses import dataclass
from importlib.util import find_spec
from typing import ClassVar

from torch import Tensor

from guerdon.models.language.attentions import Asked, Attention
from guerdon.models.language.attentions._by_lengths import Pieces, pieces_of, unfit
from guerdon.models.language.layout import Layout


@dataclass(frozen=True)
class FlashPackage(Attention):
    rank: ClassVar[int] = 5

    def why_not(self, asked: Asked) -> str:
        if asked.device.type != "cuda":
            return "it is for NVIDIA and AMD cards"
        return unfit(asked.dtype, asked.width) if find_spec("flash_attn") else "the package flash-attn is not installed"

    def plan(self, layout: Layout, asked: Asked) -> Pieces:
        return pieces_of(layout, asked.window, asked.device)

    def attend(self, query: Tensor, key: Tensor, value: Tensor, plan: Pieces, scale: float, softcap: float | None) -> Tensor:
        from flash_attn import flash_attn_varlen_func

        return flash_attn_varlen_func(
            query.contiguous(),
            plan.keys_of(key),
            plan.keys_of(value),
            plan.queries,
            plan.keys,
            plan.longest_queries,
            plan.longest_keys,
            softmax_scale=scale,
            causal=True,
            window_size=(plan.left, -1 if plan.left < 0 else 0),
            softcap=softcap or 0.0,
        )
