"""Exponentials of log-ratios that stay finite: of what a policy has given up, the ratio is beyond what a number can hold.

    exp(x) = e^x up to ``AT``, and its tangent e^AT (1 + x - AT) beyond        values and gradients; convex, increasing, without a step

In float32 e^x overflows at 88.7, after which a value is infinite and a gradient, 0 times infinity where a bound has been reached, is not a number:
one token would cost the whole step. Beyond ``AT`` the gradient is that of ``AT`` and the value grows in proportion, so that such a step still
pulls in its direction, as hard as 4.9e8 others, and the squares of a gradient's norm fit into float32. Up to ``AT`` nothing is changed, bit for bit.

Default: 20 nats for a step: ours, the number at which verl cuts log-ratios (``clamp(-20, 20)``), where it takes the gradient away instead. Log-ratios
of whole sequences are larger: 36, of which four
more digits are left for what they are multiplied with.
"""

import math

from torch import Tensor

AT = 20.0
AT_OF_SEQUENCE = 36.0


def exp(x: Tensor, at: float = AT) -> Tensor:
    """e^x, beyond ``at`` its tangent."""
    return x.clamp(max=at).exp() + math.exp(at) * (x - at).relu()


def expm1(x: Tensor, at: float = AT) -> Tensor:
    """e^x - 1, beyond ``at`` its tangent."""
    return x.clamp(max=at).expm1() + math.exp(at) * (x - at).relu()
