"""SFT: make the demonstrated answers more likely.

Source: InstructGPT, arXiv 2203.02155, section 3.1. Token mean and a learning rate of 2e-5: the usual setting of TRL for full training; LoRA
and small models take ten to a hundred times as much.
"""

from guerdon.losses.imitation.negative_log_likelihood import NegativeLogLikelihood
from guerdon.targets import Target
from guerdon.targets.offline import Demonstrations
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term

recipe = Recipe((Term(NegativeLogLikelihood()),), AdamW(learning_rate=2e-5))

target = Target("- log p of a token, the mean over all", lambda d: -d.each.total.sum() / d.each.length.sum(), Demonstrations())
