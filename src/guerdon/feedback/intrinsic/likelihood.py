"""Likelihood: how probable what was said is, to the one who said it or to another.

    over "token"       reward = mean over acted steps of p(step)        [B], 0 to 1
         "geometric"   reward = exp(mean over acted steps of log p(step))
         "sequence"    reward = product over acted steps of p(step)

Of the rollouts it is self-confidence: maximised in expectation, "sequence" is the probability that two answers are the same. With ``recast: reference_conclusion`` it is
how likely the known answer is after the policy's own reasoning, a reward without a verifier; with ``question`` how likely "Yes" is, the policy its own judge; with
``other_prompt`` how well an answer suits the question in other words; with ``by: ref`` or ``ema`` what another policy says of it.

Source: the self-confidence of RLSC, arXiv 2506.06395 ("sequence": what is maximised is the sum of p squared); RLPR, arXiv 2506.18254 (mean of the reference
answer's token probabilities, which one unlikely token does not ruin); VeriFree, arXiv 2505.21493 (their product); the geometric mean as in
GRPO-CARE's code (arXiv 2506.16141).
Differs from NegativeEntropy: what was said counts, not what else could have been.
"""

from dataclasses import dataclass
from typing import Literal

import torch

from guerdon.feedback.intrinsic import SelfMade
from guerdon.feedback.intrinsic.negative_entropy import NegativeEntropy
from guerdon.quantities import BT, B, Mask
from guerdon.steps import average, total
from guerdon.witness import Witness


@dataclass(frozen=True)
class Likelihood(SelfMade):
    over: Literal["token", "geometric", "sequence"] = "token"

    def __call__(self, logp: BT, mask: Mask) -> B:
        if self.over == "sequence":
            return total(logp, mask).exp()
        if self.over == "geometric":
            return average(logp, mask).exp()
        return average(torch.where(mask, logp, 0.0).exp(), mask)


LN2 = 0.6931471805599453
_given = {"logp": [[-LN2, -2 * LN2], [-LN2, 0.0]], "mask": [[1, 1], [1, 0]]}
witness = (
    Witness(Likelihood(), parent=NegativeEntropy(), given=_given, returns=[0.375, 0.5]),
    Witness(Likelihood(over="geometric"), parent=Likelihood(), given={"logp": [[-LN2, -3 * LN2]], "mask": [[1, 1]]}, returns=[0.25]),
    Witness(Likelihood(over="sequence"), parent=Likelihood(), given=_given, returns=[0.125, 0.5]),
)
