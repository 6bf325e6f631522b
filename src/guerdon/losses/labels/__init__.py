"""Label models: what is known of a pair → the probability that its chosen side is the better one, [N].

``Pairwise(score, link, label)`` weighs the two orders of the pair with it. A correction for noise may lie outside 0 to 1.
"""

from typing import Protocol

from guerdon.quantities import N


class Label(Protocol):
    """Scores of the sides and columns of the pair → [N]."""

    def __call__(self, **quantities: N) -> N: ...
