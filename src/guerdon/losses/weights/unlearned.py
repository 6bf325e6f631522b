"""Unlearned: a pair counts as much as it is still taken for the other way round.

    weight = sigmoid(score(rejected) - score(chosen))        [N], between 0 and 1, a constant

It is the factor that the logistic link puts before the gradient of its pair, so that a second term with this weight fades as fast as the comparison it goes with.
``score`` is that of the comparison; of its own pair it needs what that score needs, on both sides.

Source: T-REG, arXiv 2412.02685, which takes it from the gradient of DPO, arXiv 2305.18290, section 4.
Differs from MeanLikelihood: says what is left to learn of a pair, not whether the policy would write it.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from guerdon.losses.scores import Score
from guerdon.losses.scores.log_ratio import LogRatio
from guerdon.losses.weights.mean_likelihood import MeanLikelihood
from guerdon.parts import Part, call, needs, wants
from guerdon.quantities import SIDES, B, N
from guerdon.witness import Witness


@dataclass(frozen=True)
class Unlearned:
    score: Score

    def needs(self) -> frozenset[str]:
        return self._names(needs)

    def wants(self) -> frozenset[str]:
        return self._names(wants)

    def _names(self, of: Callable[[Part], frozenset[str]]) -> frozenset[str]:
        return frozenset(f"{side}_{name}" for side in SIDES for name in of(self.score))

    def __call__(self, **quantities: Tensor) -> N:
        chosen, rejected = (self._of(side, quantities) for side in SIDES)
        return torch.sigmoid(rejected - chosen).detach()

    def _of(self, side: str, quantities: dict[str, Tensor]) -> B:
        prefix = f"{side}_"
        return call(self.score, {name.removeprefix(prefix): x for name, x in quantities.items() if name.startswith(prefix)})


_pair = {
    "chosen_logp": [[-1.0, -1.0]],
    "chosen_ref_logp": [[-1.5, -0.5]],
    "chosen_mask": [[1, 1]],
    "rejected_logp": [[-1.0, 9.0]],
    "rejected_ref_logp": [[-1.0 - 1.0986122886681098, 5.0]],
    "rejected_mask": [[1, 0]],
}
witness = Witness(  # log-ratios of 0 and ln 3: sigmoid(ln 3)
    Unlearned(LogRatio(beta=1.0)),
    parent=MeanLikelihood(),
    given=_pair,
    returns=[0.75],
    gradient={"chosen_logp": None, "rejected_logp": None},
)
