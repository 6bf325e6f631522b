"""Jensen-Shannon, generalised: the divergence of each step from another model's, anywhere between the two directions of KL.

    m       = beta ref + (1 - beta) p
    penalty = sum_v beta ref_v (log ref_v - log m_v) + (1 - beta) p_v (log p_v - log m_v)        [B, T], nats
    beta 0: KL(ref || p), beta 1: KL(p || ref)

Its gradient is (1 - beta) times that of KL(p || m), m held. Near either end it shrinks with the weight of the side that is left: divided by beta
it becomes KL(ref || p) as beta goes to 0, divided by 1 - beta KL(p || ref) as beta goes to 1. *At* the ends it is those, undivided, as in
TRL, so that 0.01 and 0 differ by a factor of a hundred: choose the learning rate for the beta that is used.

``Against(JensenShannon(), view="teacher")`` is the distance to a teacher.

Source: GKD, arXiv 2306.13649, eq. 1, where ref is the teacher and p the student; the ends and ``beta`` 0.5: TRL 1.16's
``GKDTrainer``.
Differs from KLExact: bounded by the entropy of a coin that falls on beta, whatever the two say. KLForward and KLExact are its ends.
"""

from dataclasses import dataclass

from torch import Tensor

from guerdon.errors import InputError
from guerdon.losses.penalties.kl_exact import KLExact
from guerdon.losses.penalties.kl_forward import KLForward
from guerdon.quantities import BT
from guerdon.witness import Limit, Witness


@dataclass(frozen=True)
class JensenShannon:
    beta: float = 0.5

    def __post_init__(self) -> None:
        if not 0 <= self.beta <= 1:
            raise InputError(
                f"jensen_shannon.beta is {self.beta}; it is a share, from 0 (KL from the other model) to 1 (KL from the policy)"
            )

    @property
    def read(self) -> str:
        return {0.0: "ref_forward_kl", 1.0: "ref_kl"}.get(float(self.beta), f"ref_jensen_shannon({float(self.beta)})")

    def needs(self) -> frozenset[str]:
        return frozenset({self.read})

    def __call__(self, **quantities: Tensor) -> BT:
        return quantities[self.read]


# One step of two: the policy takes the first with 1/4, the reference with 1/2; m is 3/8.
_given = {
    "ref_jensen_shannon(0.5)": [[0.03382208]],
    "ref_jensen_shannon(0.25)": [[0.02604822]],
    "ref_kl": [[0.13081203594113697]],
    "ref_forward_kl": [[0.14384103622589045]],
}
witness = (
    Witness(
        JensenShannon(),
        parent=KLExact(),
        given=_given,
        returns=[[0.03382208]],
        gradient={"ref_jensen_shannon(0.5)": [[1.0]], "ref_kl": None, "ref_forward_kl": None},
    ),
    Witness(JensenShannon(0.25), parent=JensenShannon(), given=_given, returns=[[0.02604822]]),
)
limits = (
    Limit(JensenShannon(0.0), equals=KLForward(), when="beta is 0"),
    Limit(JensenShannon(1.0), equals=KLExact(), when="beta is 1"),
)
