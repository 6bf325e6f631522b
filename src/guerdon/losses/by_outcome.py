"""By outcome: a loss of verdicts on what was sampled, whose verdict is what became of it.

    label = 1 where outcome > success, else 0; then the loss        [B]

``ByOutcome(Pointwise(LogRatio(0.05), CrossEntropy()))`` trains a model on the rollouts of a policy to say which of them were right: as the
loss of a learner of its own, an implicit process reward model that is learned along with the policy (PRIME). ``outcome`` is the reward
before penalties are taken off.

Source: PRIME, arXiv 2502.01456, by its authors' code (verl, ``recipe/prime/prime_core_algos.py``, ``compute_ce_dpo_loss_rm``),
where the verdict is a verifier's. ``success`` 1/2: ours, between the 0 and 1 (or -1 and 1) of verifiers.
Differs from Pointwise: no column of the data says the verdict.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from torch import Tensor

from guerdon.losses.comparisons.logistic import LN3, LN4
from guerdon.losses.pointwise import Pointwise
from guerdon.losses.scores.log_ratio import LogRatio
from guerdon.losses.verdicts.cross_entropy import CrossEntropy
from guerdon.quantities import B
from guerdon.thresholds import exceeds
from guerdon.witness import Limit, Witness


@dataclass(frozen=True)
class ByOutcome:
    per_item: ClassVar[bool] = True  # a loss per sequence, not per step

    loss: Pointwise
    success: float = 0.5

    def needs(self) -> frozenset[str]:
        return (self.loss.needs() - {"label"}) | {"outcome"}

    def wants(self) -> frozenset[str]:
        return self.loss.wants() - {"label"}

    def label(self, quantities: Mapping[str, Tensor]) -> B:
        """The verdict on each sequence."""
        outcome = quantities["outcome"]
        return exceeds(outcome, self.success).to(outcome.dtype)

    def scores(self, quantities: Mapping[str, Tensor]) -> dict[str, B]:
        """As the loss's."""
        return self.loss.scores(quantities)

    def settle(self, measure: Callable[[frozenset[str]], Mapping[str, Tensor]]) -> "ByOutcome":
        """The same with the loss's reference point put in as a number."""
        return replace(self, loss=self.loss.settle(measure))

    def __call__(self, **quantities: Tensor) -> B:
        return self.loss(**{**quantities, "label": self.label(quantities)})


_two = {"logp": [[LN3 - 1.0], [LN3 - 1.0]], "ref_logp": [[-1.0], [-1.0]], "mask": [[1], [1]], "outcome": [1.0, 0.4], "label": [0.0, 0.0]}
_plain = Pointwise(LogRatio(beta=1.0), CrossEntropy())
witness = (
    Witness(  # the data call both wrong
        ByOutcome(_plain), parent=_plain, given=_two, returns=[LN4 - LN3, LN4], gradient={"logp": [[-0.25], [0.75]], "ref_logp": None}
    ),
    Witness(
        ByOutcome(_plain, success=0.3),
        parent=ByOutcome(_plain),
        given=_two,
        returns=[LN4 - LN3, LN4 - LN3],
        gradient={"logp": [[-0.25], [-0.25]], "ref_logp": None},
    ),
)


def _judged(inputs: dict) -> dict:
    return inputs | {"label": (inputs["outcome"] > 0.5).to(inputs["outcome"].dtype)}


limits = (Limit(ByOutcome(_plain), equals=_plain, when="the data's verdicts are what became of the sequences", under=_judged),)
