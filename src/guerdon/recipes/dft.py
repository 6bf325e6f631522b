"""DFT: fine-tuning that takes a demonstrated token as far to heart as the policy believes it.

Source: Dynamic Fine-Tuning, arXiv 2508.05629, in a summary, and TRL's ``loss_type: dft``: the weight is the token's probability, held; the mean over tokens. The learning rate is
that of SFT.
Differs from SFT: the weight.
"""

from guerdon.losses.imitation.detached_likelihood import DetachedLikelihood
from guerdon.targets import Target
from guerdon.targets.offline import Demonstrations
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term

recipe = Recipe((Term(DetachedLikelihood()),), AdamW(learning_rate=2e-5))

target = Target(
    "- p of a token, the mean over all: its gradient is that of log p weighed by p",
    lambda d: -(d.each.steps.exp() * d.each.mask).sum() / d.each.length.sum(),
    Demonstrations(),
)
