"""What answers are expected to tell: the score of every answer, each times the square root of its probability."""

from collections.abc import Callable

from torch import Tensor

from guerdon.exact.estimators._flat import jacobian


def root_information(every_answer: Callable[[Tensor], Tensor], at: Tensor) -> Tensor:
    """[units, O, P]: its Gram matrix over O is a unit's Fisher information, the expected outer product of the score.

    ``every_answer`` takes the parameters [P] and gives the log-probabilities [units, O]. An answer that is impossible tells nothing.
    """
    logp, score = jacobian(every_answer, at)
    probability = logp.exp().unsqueeze(-1)
    return (probability.sqrt() * score).where(probability > 0, 0.0)
