"""By torch's own flash attention for sequences of different lengths: ``torch.nn.attention.varlen``.

Made for rows of whole sequences; where a context is shared its keys are gathered for each branch (``_by_lengths``).

Source: Dao 2023, arXiv 2307.08691.
Differs from Flexible: nothing is compiled, and keys of a trunk are read from a copy for each branch; float16 and bfloat16 only, no soft caps.
"""

import inspect
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from typing import ClassVar

from torch import Tensor

from guerdon.models.language.attentions import Asked, Attention
from guerdon.models.language.attentions._by_lengths import Pieces, pieces_of, unfit
from guerdon.models.language.layout import Layout


@dataclass(frozen=True)
class VariableLength(Attention):
    rank: ClassVar[int] = 4

    def why_not(self, asked: Asked) -> str:
        if asked.device.type != "cuda":
            return "it is for NVIDIA and AMD cards"
        if find_spec("torch.nn.attention.varlen") is None:
            return "this torch has no torch.nn.attention.varlen"
        if asked.softcap is not None:
            return "it bounds no scores"
        if asked.window is not None and "window_size" not in _takes():
            return "that of this torch knows no windows"
        return unfit(asked.dtype, asked.width)

    def plan(self, layout: Layout, asked: Asked) -> Pieces:
        return pieces_of(layout, asked.window, asked.device)

    def attend(self, query: Tensor, key: Tensor, value: Tensor, plan: Pieces, scale: float, softcap: float | None) -> Tensor:
        from torch.nn.attention.varlen import varlen_attn

        usual = query.shape[-1] ** -0.5
        if "scale" not in _takes() and scale != usual:
            query = query * (scale / usual)
        may = {"scale": scale, "enable_gqa": query.shape[1] != key.shape[1]}
        named = {name: given for name, given in may.items() if name in _takes()}
        causal = {"window_size": (plan.left, 0)} if "window_size" in _takes() else {"is_causal": True}
        k, v = plan.keys_of(key), plan.keys_of(value)
        return varlen_attn(query.contiguous(), k, v, plan.queries, plan.keys, plan.longest_queries, plan.longest_keys, **named, **causal)


@cache
def _takes() -> frozenset[str]:
    """The names of what this torch's takes."""
    from torch.nn.attention.varlen import varlen_attn

    return frozenset(inspect.signature(varlen_attn).parameters)
