"""Latent reward model: a reward for whoever has compared a little, by the evidence lower bound of what is believed of them.

Source: VPL, Poddar et al. 2024, arXiv 2408.10075. Its model has a head of ``latent_user`` on a frozen encoder, and rows a column ``user``.
The KL counts 1 over the comparisons of a user in the bound; 0.1 is that of ten, and to be set. Learning rate 1e-3: ours, for small heads.
Differs from reward_model: two terms, of which the first is expected over a latent.
"""

from torch import Tensor
from torch.nn.functional import logsigmoid

from guerdon.losses.on_side import OnSide
from guerdon.losses.penalties.gaussian_kl import GaussianKL
from guerdon.losses.several_heads.expected import Expected
from guerdon.targets import Target
from guerdon.targets.offline import Scored, Scores
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term

recipe = Recipe((Term(Expected()), Term(OnSide(GaussianKL()), weight=0.1)), AdamW(learning_rate=1e-3))


def _objective(d: Scores) -> Tensor:
    fit = logsigmoid(d.chosen["head_score"] - d.rejected["head_score"]).mean()  # over draws of the latent
    mean, variance = d.chosen["latent_mean"], d.chosen["latent_log_variance"].exp()
    return 0.1 * ((mean.square() + variance - variance.log() - 1) / 2).sum(-1).mean() - fit


target = Target(
    "E over latents of - log sigmoid(r(chosen) - r(rejected)) + 0.1 KL(what is believed of the user || N(0, 1))",
    _objective,
    Scored(("head_score", "latent_mean", "latent_log_variance"), user=True),
)
