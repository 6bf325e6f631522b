"""Gated attributes head: several qualities of an answer, and what is asked says how much each of them counts.

    attribute_score_k = w_k · hidden[last] + b_k                       [B, K], read at the last token
    gate_k            = softmax(perceptron(hidden of what is answered))
    score             = sum_k gate_k (attribute_score_k - shares_k attribute_score_of)        [B]; its gradient reaches the gate, and not the qualities

Qualities are fitted to ratings (``losses.attributes``), the gate to comparisons (``recipes.reward_model``), in one run with a stream of each or one after the other; either leaves
what the other fits alone. ``shares`` says how much of one quality, by its index ``of``, is taken off each when the score is made, so that an answer is not good for being long
(``exact.estimators.decorrelating_shares`` finds them); without, nothing is.

Source: ArmoRM, Wang et al. 2024, arXiv 2406.12845, and its authors' code (RLHF-Reward-Modeling, ``armo-rm/stage-2_train.py``): a gate of three hidden layers of 1024 units on the
hidden state of the prompt. Left out of theirs: a temperature of 10 and a scale that is learned, dropout of 0.2.
``units`` 128: ours, for small bodies. ``of`` 4: verbosity among their attributes, and HelpSteer's.
Differs from MixtureHeads: what each head is, is known from ratings.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from guerdon.errors import InputError
from guerdon.models.heads._personal import linear, perceptron


@dataclass(frozen=True)
class GatedAttributes:
    measures: ClassVar[tuple[str, ...]] = ("score", "attribute_score", "mixture_logp")
    per_step: ClassVar[bool] = False
    reads: ClassVar[tuple[str, ...]] = ("context",)

    count: int = 5
    units: int = 128
    hidden: int = 3  # layers
    shares: tuple[float, ...] = ()
    of: int = 4

    def __post_init__(self) -> None:
        if self.count < 1 or self.hidden < 0:
            raise InputError(
                f"gated_attributes: {self.count} attributes and a gate of {self.hidden} hidden layers; give one attribute or more, and no layer or more"
            )

        if self.shares and not (len(self.shares) == self.count and 0 <= self.of < self.count):
            raise InputError(
                f"gated_attributes: {len(self.shares)} shares of attribute {self.of} are taken off {self.count} attributes; give one share for each, and the index of one in of"
            )

    def build(self, width: int, seed: int) -> nn.Module:
        head = linear(width, self.count, seed, "attributes")
        head.bias = nn.Parameter(torch.zeros(self.count))
        sizes = (width, *[self.units] * self.hidden, self.count)
        return nn.ModuleDict({"attributes": head, "gate": perceptron(sizes, seed, "gate")})

    def read(self, module: nn.Module, hidden: Tensor, predicts: Tensor, last: Tensor, context: Tensor) -> dict[str, Tensor]:
        """``hidden`` [P, D] at the places ``last`` [B], ``context`` [B, D] → [B], [B, K] and [B, K]."""
        dtype = module["attributes"].weight.dtype
        each = module["attributes"](hidden.index_select(0, last).to(dtype))
        gate = module["gate"](context.to(dtype)).log_softmax(-1)
        counted = each.detach()
        if self.shares:
            counted = counted - counted[:, self.of, None] * counted.new_tensor(self.shares)
        return {"score": (gate.exp() * counted).sum(-1), "attribute_score": each, "mixture_logp": gate}
