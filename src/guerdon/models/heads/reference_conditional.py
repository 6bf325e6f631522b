"""Reference-conditional head: how much is an answer like one that is known to be good? What is asked holds that one too.

    score = f(h(x)) . g(c) / sqrt(M) + w . h(x)        [B], f and g linear maps to M numbers, h the hidden state [B, D] at the last token, c [B, D] that of what is answered

Rows put the reference into the prompt (``data.curation.policy_discrimination`` makes such rows), so c has read it. Without the product the
head could only say how good an answer is by itself, which on a frozen body is all that a linear head can; with a body that is trained a
scalar head on the whole text can do the same.

Source: POLAR, Dou et al. 2025, arXiv 2507.05197, section 4.1: prompt and reference, a separator, prompt and candidate, and a linear head on
the last token of a language model that is trained throughout. The product, for bodies that are not, and ``dimensions`` 16: ours.
Differs from Scalar: it measures against something. Differs from PromptPoint: there is no mixture of people, and lengths count.
"""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor, nn

from guerdon.errors import InputError
from guerdon.models.heads._personal import linear


@dataclass(frozen=True)
class ReferenceConditional:
    measures: ClassVar[str] = "score"
    per_step: ClassVar[bool] = False
    reads: ClassVar[tuple[str, ...]] = ("context",)

    dimensions: int = 16

    def __post_init__(self) -> None:
        if self.dimensions < 1:
            raise InputError(f"reference_conditional.dimensions is {self.dimensions}; give one or more")

    def build(self, width: int, seed: int) -> nn.Module:
        maps = {name: linear(width, self.dimensions, seed, name) for name in ("answer", "reference")}
        return nn.ModuleDict({**maps, "alone": linear(width, 1, seed, "alone")})

    def read(self, module: nn.Module, hidden: Tensor, predicts: Tensor, last: Tensor, context: Tensor) -> Tensor:
        """``hidden`` [P, D] at the places ``last`` [B], ``context`` [B, D] → [B]."""
        dtype = module["alone"].weight.dtype
        said = hidden.index_select(0, last).to(dtype)
        alike = (module["answer"](said) * module["reference"](context.to(dtype))).sum(-1) / self.dimensions**0.5
        return alike + module["alone"](said).squeeze(-1)
