"""Mixture of heads: several rewards, and what is asked says how much each of them counts.

    head_score_k(x)  = w_k . h(x)                                 [B, K], h the hidden state [B, D] at the last token
    mixture_logp(c)  = log softmax(router(c))                     [B, K], c the hidden state [B, D] of what is answered
    score(x)         = sum_k exp(mixture_logp_k) head_score_k     [B]

Fitted by ``losses.several_heads.mixture`` to plain pairs, heads become the rewards of groups of people that nobody has named, and the router knows which
questions divide them. Fitted on by ``losses.several_heads.hedge`` to a few pairs of one person or of one purpose, with that purpose in the prompt, the
router learns whom it is to follow; the heads stay.

Source: MiCRo, Shen et al. 2025, arXiv 2505.24846, section 4 and 5.1: linear heads on a frozen body, a router of one layer of 128 units.
``heads`` 5: on its two data sets 10 and 5 were taken, and more than are needed did little harm (appendix C.3).
Differs from Scalar: several, weighed by the prompt.
"""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor, nn

from guerdon.models.heads._personal import linear, perceptron


@dataclass(frozen=True)
class MixtureHeads:
    measures: ClassVar[tuple[str, ...]] = ("score", "head_score", "mixture_logp")
    per_step: ClassVar[bool] = False
    reads: ClassVar[tuple[str, ...]] = ("context",)

    heads: int = 5
    units: int = 128

    def build(self, width: int, seed: int) -> nn.Module:
        return nn.ModuleDict(
            {"heads": linear(width, self.heads, seed, "heads"), "router": perceptron((width, self.units, self.heads), seed, "router")}
        )

    def read(self, module: nn.Module, hidden: Tensor, predicts: Tensor, last: Tensor, context: Tensor) -> dict[str, Tensor]:
        """``hidden`` [P, D] at the places ``last`` [B], ``context`` [B, D] → [B], [B, K] and [B, K]."""
        dtype = module["heads"].weight.dtype
        each = module["heads"](hidden.index_select(0, last).to(dtype))
        weight = module["router"](context.to(dtype)).log_softmax(-1)
        return {"score": (weight.exp() * each).sum(-1), "head_score": each, "mixture_logp": weight}
