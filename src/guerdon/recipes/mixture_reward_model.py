"""Mixture reward model: several rewards with weights of the prompt, from plain pairs of people who differ and are not named.

Source: MiCRo, Shen et al. 2025, arXiv 2505.24846, eq. 2 to 4: the entropy of the weights counts 0.5. Its model is a frozen body under
``mixture_heads`` (``model: {part: embedded, encoder: ..., head: mixture_heads}``), its learning rate 0.002.
Differs from reward_model: K rewards. The router is then trained on few pairs of one purpose with ``losses.several_heads.hedge``.
"""

from torch import Tensor

from guerdon.losses.on_side import OnSide
from guerdon.losses.penalties.mixture_entropy import MixtureEntropy
from guerdon.losses.several_heads.mixture import Mixture
from guerdon.targets import Target
from guerdon.targets.offline import Scored, Scores
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term

recipe = Recipe((Term(Mixture()), Term(OnSide(MixtureEntropy()), weight=0.5)), AdamW(learning_rate=2e-3))


def _objective(d: Scores) -> Tensor:
    weight = d.chosen["mixture_logp"].exp()
    wins = (d.chosen["head_score"] - d.rejected["head_score"]).sigmoid()
    return (0.5 * (weight * weight.log()).sum(-1) - (weight * wins).sum(-1).log()).mean()


target = Target(
    "- log sum_k w_k(prompt) sigmoid(r_k(chosen) - r_k(rejected)) - 0.5 entropy(w)", _objective, Scored(("head_score", "mixture_logp"))
)
