"""Step verdicts: what is said of each kind of error that a step may have, and of the step itself if it has none → one number for the step."""

from typing import Protocol

from torch import Tensor


class StepVerdict(Protocol):
    """``free`` [..., K], the probability that a step is free of each of K kinds of error; ``right`` [...], that it is right, given that it is free of all → [...]."""

    def __call__(self, free: Tensor, right: Tensor) -> Tensor: ...
