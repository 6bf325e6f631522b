"""Doubly robust: what the label says beyond what a preference model had expected, each side weighed by how likely the policy has made it.

    loss = -(1 - preference) / 2 * (w(chosen) - w(rejected)),   w = exp(score)        [N], between -bound and bound
    d loss / d score(chosen) = -(1 - preference) / 2 * clip(w(chosen), 1 / bound, bound), and the opposite sign for the rejected side

The scores are log-ratios, ``LogRatio(1.0)``: w is the importance ratio of the policy to the policy that answered. ``preference`` is what
the model says: the probability that the chosen side is preferred. The weight is clipped and held; the gradient goes through the
log-probability, also where it is clipped.

Minus this loss is the second half of an estimate of how often the policy is preferred to the answers in the data. The first is what the
model says of the policy's own answers, averaged over the data's: a reward. The sum is unbiased if the model is right or if the answers came
from the reference that the log-ratio has (and ``bound`` is infinite).

Source: DRPO, arXiv 2506.01183; the value and the clipped, held weight with its ``bound`` of 10 are those of its authors' code, with both
orders of each pair.
Differs from Logistic: linear in the policy's probability, and nothing where the model had been sure of the label. Not to be combined with a
label model, which would have to turn ``preference`` as well.
"""

from dataclasses import dataclass

from guerdon.losses.comparisons.logistic import Logistic
from guerdon.quantities import N
from guerdon.witness import Witness


@dataclass(frozen=True)
class DoublyRobust:
    bound: float = 10.0

    def __call__(self, chosen_score: N, rejected_score: N, preference: N) -> N:
        surprise = (1 - preference.detach()) / 2
        return -surprise * (self._weight(chosen_score) - self._weight(rejected_score))

    def _weight(self, score: N) -> N:
        """The clipped ratio, with its own derivative by the score."""
        held = score.detach()
        return held.exp().clamp(1 / self.bound, self.bound) * (score - held).exp()


LN2, LN3 = 0.6931471805599453, 1.0986122886681098
_pair = {"chosen_score": [LN3, LN2], "rejected_score": [-LN2, 0.0], "preference": [0.5, 1.0]}
witness = (
    Witness(  # ratios 3 and 1/2, a quarter of each; the second label was expected
        DoublyRobust(),
        parent=Logistic(),
        given=_pair,
        returns=[-0.625, 0.0],
        gradient={"chosen_score": [-0.75, 0.0], "rejected_score": [0.125, 0.0], "preference": None},
    ),
    Witness(  # 3 becomes 2; 1/2 is just within
        DoublyRobust(bound=2.0),
        parent=DoublyRobust(),
        given=_pair,
        returns=[-0.375, 0.0],
        gradient={"chosen_score": [-0.5, 0.0], "rejected_score": [0.125, 0.0]},
    ),
)
