"""KL, forward: the exact divergence of each step in the other direction, weighed by what the reference would do.

    penalty = sum_v ref_v (log ref_v - log p_v)        [B, T], nats: KL(reference || policy) of each step

*In the loss* it is what KLExponential's gradient is in expectation on the policy's own samples, without the sample's noise and without its
unbounded exponential. It keeps the policy from giving up what the reference would do, where KLExact keeps it from doing what the reference
would not.

Source: the definition of Kullback and Leibler 1951, of each step; KLExponential's gradient, arXiv 2506.09477.
Differs from KLExact: direction.
"""

from dataclasses import dataclass

from guerdon.losses.penalties.kl_exact import KLExact
from guerdon.quantities import BT
from guerdon.witness import Witness


@dataclass(frozen=True)
class KLForward:
    def __call__(self, ref_forward_kl: BT) -> BT:
        return ref_forward_kl


# One step of two: the policy takes the first with 1/4, the reference with 1/2.
witness = Witness(
    KLForward(),
    parent=KLExact(),
    given={"ref_kl": [[0.13081203594113697]], "ref_forward_kl": [[0.14384103622589045]]},
    returns=[[0.14384103622589045]],
    gradient={"ref_forward_kl": [[1.0]], "ref_kl": None},
)
