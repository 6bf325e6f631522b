"""Disentangled head: two rewards on one body, of which one takes what people like in an attribute of answers, and only the other is the score.

    head_score_k = w_k · hidden[last]        [B, 2]: quality, and the attribute; read at the last token
    score        = head_score_1              [B]
    head_overlap = |w_1 · w_2|               [B], one number for all

with w_k the weights less their mean, at length 1 where ``normalised``: otherwise a head can be made silent by shrinking it, and the other be both. How large scores can be is
then up to the body, which has to be trained along.

Fitted by ``recipes.disentangled_reward_model``, whose terms say which head is which.

Source: ODIN, Chen et al. 2024, arXiv 2402.07319, and its authors' code (``training/utils/model/two_head_rw.py``, whose runs are normalised).
Differs from Ensemble: heads have different parts of one reward, not each the whole.
"""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor, nn

from guerdon.models.heads._personal import linear


@dataclass(frozen=True)
class Disentangled:
    measures: ClassVar[tuple[str, ...]] = ("score", "head_score", "head_overlap")
    per_step: ClassVar[bool] = False

    normalised: bool = True

    def build(self, width: int, seed: int) -> nn.Module:
        return linear(width, 2, seed, "quality and attribute")

    def read(self, module: nn.Module, hidden: Tensor, predicts: Tensor, last: Tensor) -> dict[str, Tensor]:
        """``hidden`` [P, D] at the places ``last`` [B] → [B], [B, 2] and [B]."""
        weight = module.weight
        unit = weight - weight.mean(-1, keepdim=True) if self.normalised else weight
        unit = unit / unit.norm(dim=-1, keepdim=True).clamp(min=1e-8)
        each = hidden.index_select(0, last).to(weight.dtype) @ (unit if self.normalised else weight).T
        return {"score": each[:, 0], "head_score": each, "head_overlap": (unit[0] @ unit[1]).abs().expand(len(each))}
