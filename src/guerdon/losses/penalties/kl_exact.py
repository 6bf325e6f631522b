"""KL, exact: that of the whole next-step distribution from the reference's, not estimated from the step taken.

    penalty = sum_v p_v (log p_v - log ref_v)        [B, T], nats: KL(policy || reference) of each step

*In the loss* its gradient is exactly that of KL(policy || reference) of each step, whoever took the steps: KLSquare's is the same in
expectation, on the policy's own samples only, and with the noise of a sample. The effect of a step on what states are reached is left out, as
in every per-step penalty of the loss. *In the reward* it is the other half: it charges for the states that are reached and not for the step
taken there, which changes nothing in it; alone it leaves the last step free. With one weight in both places the two gradients add up to that of
the KL of whole sequences.

The reference is computed in every micro-batch, also where its log-probabilities would be remembered.

Source: the definition of Kullback and Leibler 1951, of each step.
Differs from KLDirect: all steps that might have been taken are summed over.
"""

from dataclasses import dataclass

from guerdon.losses.penalties.kl_direct import KLDirect
from guerdon.quantities import BT
from guerdon.witness import Witness


@dataclass(frozen=True)
class KLExact:
    def __call__(self, ref_kl: BT) -> BT:
        return ref_kl


# The step taken was as likely as under the reference, the distributions were not the same: KLDirect gives 0, and no gradient of the distance.
witness = Witness(
    KLExact(),
    parent=KLDirect(),
    given={"logp": [[-1.0, -1.0]], "ref_logp": [[-1.0, -1.0]], "ref_kl": [[0.5, 0.0]]},
    returns=[[0.5, 0.0]],
    gradient={"ref_kl": [[1.0, 1.0]], "logp": None, "ref_logp": None},
)
