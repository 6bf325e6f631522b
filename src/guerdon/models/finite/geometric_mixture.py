"""The geometric mixture of two policies, exact: normalised over whole sequences.

    mixture(y | x) = pi(y | x)^(1 - weight) mu(y | x)^weight / Z(x)

Source: Nash-MD, arXiv 2312.00886, section 6: the opponent, with ``weight`` the product of step size and regularisation. Its deep version (appendix F.3,
eq. 15) mixes the log-probabilities of one next token at a time, which has another normaliser at each prefix and therefore another
distribution; for sequences of one step the two are the same.
"""

from guerdon.errors import InputError
from guerdon.models.finite.policy import TablePolicy


def geometric_mixture(policy: TablePolicy, other: TablePolicy, weight: float) -> TablePolicy:
    """A frozen policy, ``weight`` of the way in log-probability from ``policy`` to ``other``."""
    if policy.tree != other.tree or policy.contexts != other.contexts:
        raise InputError(f"only policies over the same contexts and tree can be mixed, not over {policy.tree} and {other.tree}")
    if not 0 <= weight <= 1:
        raise InputError(f"the weight of a geometric mixture is between 0 and 1, not {weight}")
    first, second = policy.log_probabilities(), other.log_probabilities()
    if weight in (0, 1):  # 0 times the logarithm of an impossible sequence is not a number
        return policy.distribute(second if weight else first)
    return policy.distribute((1 - weight) * first + weight * second)
