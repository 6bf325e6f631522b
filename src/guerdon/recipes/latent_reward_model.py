"""Latent reward model: a reward for whoever has compared a little, by the evidence lower bound of what is believed of them.

Source: VPL, Poddar et al. 2024, arXiv 2408.10075. Its model has a head of ``latent_user`` on a frozen encoder, and rows a column ``user``.
The KL counts 1 over the comparisons of a user in the bound; 0.1 is that of ten, and to be set. Learning rate 1e-3: ours, for small heads.
Differs from reward_model: two terms, of which the first is expected over a latent.
"""

from guerdon.losses.on_side import OnSide
from guerdon.losses.penalties.gaussian_kl import GaussianKL
from guerdon.losses.several_heads.expected import Expected
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term

recipe = Recipe((Term(Expected()), Term(OnSide(GaussianKL()), weight=0.1)), AdamW(learning_rate=1e-3))
