"""Gaussian KL: what is believed of a user may not be more certain than it pays.

    penalty = 1/2 sum_l (mean_l^2 + variance_l - 1 - log variance_l)        [B], nats: KL(N(mean, variance) || N(0, 1)) of a sequence's user, not of a step

Both sides of a pair have the same user, so one is asked: ``OnSide(GaussianKL())``. Beside the mean loss of a pair it makes the evidence
lower bound of a user with n comparisons if its weight is 1 / n.

Source: VPL, Poddar et al. 2024, arXiv 2408.10075: the prior's term of the evidence lower bound; the closed form, Kingma and Welling 2013,
arXiv 1312.6114, appendix B.
Differs from MixtureEntropy: a latent that is a point and not a choice.
"""

from dataclasses import dataclass
from typing import ClassVar

from guerdon.losses.penalties.mixture_entropy import MixtureEntropy
from guerdon.quantities import B
from guerdon.witness import Witness


@dataclass(frozen=True)
class GaussianKL:
    per_item: ClassVar[bool] = True  # one number for a sequence

    def __call__(self, latent_mean: B, latent_log_variance: B) -> B:
        return (latent_mean.square() + latent_log_variance.exp() - 1 - latent_log_variance).sum(-1) / 2


LN2 = 0.6931471805599453
witness = Witness(  # 1/2 (4 + 1 - 1 - 0) + 1/2 (0 + 1/2 - 1 + ln 2)
    GaussianKL(),
    parent=MixtureEntropy(),
    given={"latent_mean": [[2.0, 0.0]], "latent_log_variance": [[0.0, -LN2]]},
    returns=[1.75 + LN2 / 2],
    gradient={"latent_mean": [[2.0, 0.0]], "latent_log_variance": [[0.0, -0.25]]},
)
