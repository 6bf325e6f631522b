"""Product: the ratio of whole sequences, how much more likely all of it has become.

    log_ratio_t = sum over acted steps of log_ratio        [B, T], nats, 0 where the mask is false

The weight of a sequence that makes an expectation over sequences right; its spread grows with the length, so that of long ones few count.

Source: the importance weight of a trajectory (Precup, Sutton and Singh 2000, Eligibility Traces for Off-Policy Policy Evaluation, eq. 4);
for language models ``rollout_is: sequence`` of verl and the ``sequence_...`` modes of TRL.
"""

from dataclasses import dataclass

from guerdon.quantities import BT, Mask
from guerdon.steps import spread, total
from guerdon.witness import Witness


@dataclass(frozen=True)
class Product:
    def __call__(self, log_ratio: BT, mask: Mask) -> BT:
        return spread(total(log_ratio, mask), mask)


witness = Witness(
    Product(),
    given={"log_ratio": [[1.0, 2.0, 9.0], [0.5, -0.25, 0.25]], "mask": [[1, 1, 0], [1, 1, 1]]},
    returns=[[3.0, 3.0, 0.0], [0.5, 0.5, 0.5]],
    gradient={"log_ratio": [[2.0, 2.0, 0.0], [3.0, 3.0, 3.0]]},
)
