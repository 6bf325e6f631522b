"""Two-layer head: a small network between the body and the number.

    score = v . silu(W hidden[last] + b)        [B], W of ``units`` rows, read at the last token

Source: BaseReward, Zhang et al. 2025, arXiv 2509.16127, its abstract and summaries: two layers with SiLU between them were the best of the
heads that it tried on a vision-language model of 7 B. ``units`` 128: ours, for small bodies; theirs is the body's width.
Differs from Scalar: not linear in what the body says, which counts most where the body is not trained.
"""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor, nn

from guerdon.errors import InputError
from guerdon.models.heads._personal import linear, perceptron


@dataclass(frozen=True)
class TwoLayers:
    measures: ClassVar[str] = "score"
    per_step: ClassVar[bool] = False

    units: int = 128

    def __post_init__(self) -> None:
        if self.units < 1:
            raise InputError(f"two_layers.units is {self.units}; give one or more")

    def build(self, width: int, seed: int) -> nn.Module:
        return nn.ModuleDict({"inner": perceptron((width, self.units), seed, "inner"), "outer": linear(self.units, 1, seed, "outer")})

    def read(self, module: nn.Module, hidden: Tensor, predicts: Tensor, last: Tensor) -> Tensor:
        """``hidden`` [P, D] at the places ``last`` [B] → [B]."""
        inner = module["inner"](hidden.index_select(0, last).to(module["outer"].weight.dtype))
        return module["outer"](nn.functional.silu(inner)).squeeze(-1)
