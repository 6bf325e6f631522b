"""Ensemble head: several rewards on one body, and how far they differ where they were told little.

    head_score_e = w_e · hidden[last]                                                  [B, E], read at the last token
    score        = mean over e of head_score_e - pessimism * their deviation           [B]

Members begin apart and are fitted to the same comparisons, each by itself (``losses.several_heads.expected``). ``pessimism`` is in deviations (of the E members, not of their
estimate); it is what is subtracted when an answer is scored, and no part of how members learn.

Source: ensembles of reward models, Coste et al. 2023, arXiv 2310.02743; that members which differ in more than their last layers err less together: Helping or Herding, Eisenstein
et al. 2023, arXiv 2312.09244, its abstract. Sharing a body is the cheap form; ``members`` 5: ours.
Differs from Scalar: it says besides how sure it is.
"""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor, nn

from guerdon.errors import InputError
from guerdon.models.heads._personal import linear


@dataclass(frozen=True)
class Ensemble:
    measures: ClassVar[tuple[str, ...]] = ("score", "head_score")
    per_step: ClassVar[bool] = False

    members: int = 5
    pessimism: float = 0.0

    def __post_init__(self) -> None:
        if self.members < 1:
            raise InputError(f"ensemble.members is {self.members}; give one or more")

    def build(self, width: int, seed: int) -> nn.Module:
        return linear(width, self.members, seed, "members")

    def read(self, module: nn.Module, hidden: Tensor, predicts: Tensor, last: Tensor) -> dict[str, Tensor]:
        """``hidden`` [P, D] at the places ``last`` [B] → [B] and [B, E]."""
        each = module(hidden.index_select(0, last).to(module.weight.dtype))
        lowered = self.pessimism * each.std(-1, correction=0) if self.pessimism else 0.0
        return {"score": each.mean(-1) - lowered, "head_score": each}
