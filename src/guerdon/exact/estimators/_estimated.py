"""What was estimated: parameters, how sure they are, and intervals of whatever the data tell."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import torch
from scipy import stats
from torch import Tensor

from guerdon.errors import InputError
from guerdon.exact.estimators._flat import Flat, jacobian

# Eigenvalues of the information below this share of the largest are 0: what answers do not tell, seen through rounding.
FLAT = 1e-9


class Interval(NamedTuple):
    """A value, the ends of its confidence interval, and its standard error, each of the value's shape."""

    value: Tensor
    low: Tensor
    high: Tensor
    error: Tensor


class Better(NamedTuple):
    """A likelihood-ratio test: twice the difference of log-likelihoods, the difference of identified numbers, and the p-value."""

    statistic: float
    degrees: int
    p: float


@dataclass(frozen=True)
class Estimated:
    """A maximum of a likelihood.

    Attributes:
        parameters: by name, in the gauge of the likelihood.
        log_likelihood: of the answers there, nats (without the prior).
        information: [P, P], minus the Hessian there (with the prior's precision, if there is one); P in the order of ``parameters``.
        covariance: [P, P], its inverse on what the answers tell.
        robust: [P, P], the sandwich: right also where the likelihood is not, or answers of one cluster depend on one another.
        untold: [P, P - rank], directions in which the parameters can move and no answer changes its probability.
        rank: how many numbers the answers tell.
    """

    parameters: dict[str, Tensor]
    log_likelihood: float
    information: Tensor
    covariance: Tensor
    robust: Tensor
    untold: Tensor

    @property
    def rank(self) -> int:
        return self.information.shape[0] - self.untold.shape[1]

    def interval(self, function: Callable[[dict[str, Tensor]], Tensor], confidence: float = 0.95, robust: bool = False) -> Interval:
        """Wald's interval of any differentiable function of the parameters, by the delta method.

        ``function`` takes the parameters by name; for example ``lambda p: p["score"][0] - p["score"][1]``. What has ends (a probability) is better asked for on a scale
        without (log-odds), and the interval's ends mapped.

        Raises:
            InputError: the function is of something that the answers do not tell, such as a score by itself.
        """
        if not 0 < confidence < 1:
            raise InputError(f"confidence is {confidence}: it must be between 0 and 1")
        flat = Flat({name: tuple(value.shape) for name, value in self.parameters.items()})
        value, slope = jacobian(lambda vector: function(flat.split(vector)), flat.join(self.parameters))
        along = (slope @ self.untold).norm(dim=-1) > 1e-6 * slope.norm(dim=-1)
        if bool(along.any()):
            index = along.nonzero()[0].tolist()
            raise InputError(
                f"entry {index} of this function is not told by the answers: they say how items differ, within what was compared. Ask for a difference "
                "(of scores, or from their mean) or a probability, ask more questions, or give a prior (ridge)"
            )
        variance = torch.einsum("...p,pq,...q->...", slope, self.robust if robust else self.covariance, slope)
        error = variance.clamp(min=0).sqrt()
        half = float(stats.norm.ppf((1 + confidence) / 2)) * error
        return Interval(value, value - half, value + half, error)

    def against(self, plainer: "Estimated") -> Better:
        """Whether this likelihood explains the same answers better than one that is a special case of it, by Wilks' theorem.

        It does not hold where the special case lies on an edge or leaves others of the numbers untold, as one group does in a mixture of two.
        """
        degrees = self.rank - plainer.rank
        if degrees < 1:
            raise InputError(f"the likelihood has {self.rank} numbers and the plainer one {plainer.rank}: compare with one that has fewer")
        statistic = 2 * (self.log_likelihood - plainer.log_likelihood)
        return Better(statistic, degrees, float(stats.chi2.sf(statistic, degrees)))


def spectrum(information: Tensor, unit: Tensor) -> tuple[Tensor, Tensor]:
    """Eigenvalues [P], ascending, and eigenvectors [P, P] of the information about parameters that are measured in ``unit`` [P]."""
    return torch.linalg.eigh(information * torch.outer(unit, unit))


def inverse(information: Tensor, unit: Tensor) -> tuple[Tensor, Tensor]:
    """The inverse of an information on what it tells, [P, P], and the directions of what it does not, [P, P - rank], orthonormal."""
    size, direction = spectrum(information, unit)
    told = size > FLAT * size.max()
    untold, _ = torch.linalg.qr(unit.unsqueeze(-1) * direction[:, ~told])
    root = unit.unsqueeze(-1) * direction[:, told] / size[told].sqrt()
    root = root - untold @ (untold.T @ root)
    return root @ root.T, untold
