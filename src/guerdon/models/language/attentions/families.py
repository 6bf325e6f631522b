"""By a kernel of ours, on a CPU whose processor multiplies in bfloat16: a family after the other, its scores dropped at once and computed again in the backward pass.

Source: the backward pass with recomputed probabilities is FlashAttention's, arXiv 2205.14135, section 3.1 and appendix B; the kernel is in ``models/kernels/families.inc``.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from guerdon.models import kernels
from guerdon.models.language.attentions import Asked, Attention
from guerdon.models.language.layout import Layout


@dataclass(frozen=True)
class Families(Attention):
    rank: ClassVar[int] = 1

    def why_not(self, asked: Asked) -> str:
        if asked.window is not None or asked.softcap is not None:
            return "it knows neither windows nor soft caps"
        return (
            ""
            if kernels.attends(asked.device, asked.dtype, asked.width)
            else "it is for bfloat16 on processors with products in that format"
        )

    def plan(self, layout: Layout, asked: Asked) -> kernels.Families:
        return layout.families()

    def attend(self, query: Tensor, key: Tensor, value: Tensor, plan: kernels.Families, scale: float, softcap: float | None) -> Tensor:
        return _OfFamilies.apply(query, key, value, plan, scale)


class _OfFamilies(torch.autograd.Function):
    """By a kernel, a family after the other."""

    @staticmethod
    def forward(ctx: Any, query: Tensor, key: Tensor, value: Tensor, families: kernels.Families, scale: float) -> Tensor:
        q, k, v = (x.contiguous() for x in (query, key, value))
        out, total = kernels.attend(q, k, v, families, scale)
        ctx.save_for_backward(q, k, v, out, total)
        ctx.families, ctx.scale = families, scale
        return out

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        q, k, v, out, total = ctx.saved_tensors
        gradient = gradient.contiguous()
        delta = kernels.dot(gradient.flatten(0, 1), out.flatten(0, 1))
        return *kernels.attend_back(q, k, v, gradient, total, delta, ctx.families, ctx.scale), None, None
