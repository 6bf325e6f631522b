"""Mean likelihood: a pair counts as much as the policy itself is likely to write its two sides.

    weight = exp(m(chosen) + m(rejected)),   m = mean over acted steps of logp        [N], between 0 and 1, a constant

Pairs that the policy would hardly write say little of what it does; with the weight, data of other models stand for samples of its own.

Source: WPO, arXiv 2406.11827, the weight before it is aligned; its ablation has it.
"""

from dataclasses import dataclass

from guerdon.quantities import BT, Mask, N
from guerdon.steps import average
from guerdon.witness import Witness


@dataclass(frozen=True)
class MeanLikelihood:
    def __call__(self, chosen_logp: BT, chosen_mask: Mask, rejected_logp: BT, rejected_mask: Mask) -> N:
        return of_both(chosen_logp, chosen_mask, rejected_logp, rejected_mask)


def of_both(chosen: BT, chosen_mask: Mask, rejected: BT, rejected_mask: Mask) -> N:
    """The product of two sides' geometric means over steps, of likelihoods given by their logarithms; no gradient goes through it."""
    return (average(chosen.detach(), chosen_mask) + average(rejected.detach(), rejected_mask)).exp()


LN2 = 0.6931471805599453
witness = Witness(  # 1/2 a step, and 1/8
    MeanLikelihood(),
    given={
        "chosen_logp": [[0.0, -2 * LN2, 9.0]],
        "chosen_mask": [[1, 1, 0]],
        "rejected_logp": [[-3 * LN2]],
        "rejected_mask": [[1]],
    },
    returns=[1 / 16],
    gradient={"chosen_logp": None, "rejected_logp": None},
)
