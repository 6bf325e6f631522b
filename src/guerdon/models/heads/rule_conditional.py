"""Rule-conditional head: is a rule broken? One head for all rules, told which one is asked about.

    score(x, r) = own[r] . relu(M h(x) + m) + b_r        [B], log-odds that the rule r, a column ``rule`` of the data, is broken; h the hidden state [B, D] at the last token

Rules share what is seen of an answer, M of ``dimensions`` rows, so that one with few verdicts learns from the others. Fitted by verdicts
(``losses.pointwise`` with the score of a head and cross-entropy, ``label`` 1 where the rule was broken).

Source: Sparrow, Glaese et al. 2022, arXiv 2209.14375, its abstract and summaries: a classifier of the dialogue and the text of a rule, on a
language model of 70 B. There the rule is text that the model reads; where it stands in the prompt a scalar head does the same. Here it is
an index: for rules that are few and known. ``dimensions`` 16: ours.
Differs from Scalar: several questions about one answer. Differs from RewardFeatures: what is shared is not linear, and each rule has how
rare it is as a number of its own.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from guerdon.errors import InputError
from guerdon.models.heads._personal import drawn, perceptron


@dataclass(frozen=True)
class RuleConditional:
    measures: ClassVar[str] = "score"
    per_step: ClassVar[bool] = False
    reads: ClassVar[tuple[str, ...]] = ("rule",)

    rules: int
    dimensions: int = 16

    def __post_init__(self) -> None:
        if self.rules < 1 or self.dimensions < 1:
            raise InputError(f"rule_conditional: {self.rules} rules and {self.dimensions} dimensions; give one or more of both")

    def build(self, width: int, seed: int) -> nn.Module:
        rules = nn.ParameterDict(
            {"own": nn.Parameter(drawn(self.rules, self.dimensions, seed, "rules")), "rate": nn.Parameter(torch.zeros(self.rules))}
        )
        return nn.ModuleDict({"map": perceptron((width, self.dimensions), seed, "map"), "rules": rules})

    def read(self, module: nn.Module, hidden: Tensor, predicts: Tensor, last: Tensor, rule: Tensor) -> Tensor:
        """``hidden`` [P, D] at the places ``last`` [B], ``rule`` [B] → [B].

        Raises:
            InputError: there is no such rule.
        """
        if len(rule) and int(rule.max()) >= self.rules:
            raise InputError(
                f"rule {int(rule.max())} is not known: the rule_conditional head has {self.rules} rules, 0 to {self.rules - 1}; raise its rules"
            )
        own, rate = module["rules"]["own"], module["rules"]["rate"]
        seen = module["map"](hidden.index_select(0, last).to(own.dtype)).relu()
        return (own[rule] * seen).sum(-1) + rate[rule]
