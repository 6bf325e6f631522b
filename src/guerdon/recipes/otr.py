"""OTR: fine-tuning on demonstrations by policy gradient, in which every token is a rollout of its own.

Source: One-Token Rollout, arXiv 2509.26313, abstract and summaries: 256 draws, temperature 1.3, a reward of 1 for the demonstrated token and -0.1 for others, no baseline. The
token mean, and the learning rate of SFT: ours.
Differs from DFT: tokens are drawn, from a flatter distribution, and wrong ones pushed down. Costs the logits of all tokens.
"""

from guerdon.losses.imitation.one_token_rollout import OneTokenRollout
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term

recipe = Recipe((Term(OneTokenRollout()),), AdamW(learning_rate=2e-5))
no_target = (
    "its 256 draws at every token are lots made of the token's own numbers, whose outcomes cannot be enumerated; that their mean is the "
    "expectation is tested where the loss is"
)
