"""REINFORCE++: no critic and no group; returns, with KL in them, normalised over the whole batch.

Source: REINFORCE++, arXiv 2501.03262: the clipped objective of PPO, the k1 penalty at each step of the reward, global advantage normalisation; one answer per
prompt, clip 0.2, gamma 1. The weight 0.01 of the KL is the default of its authors' OpenRLHF (the paper's second version has 0.001), the token mean
OpenRLHF's as well (the paper's objective takes the mean over each answer first). The learning rate is our choice. The variant with a baseline is
``advantage: {part: batch_normalised, advantage: {part: group_centred, scale: null}}`` with several generations.
Differs from PPO: the return to go in the place of GAE, so no critic.
"""

from guerdon.acting.samplers.group import Group
from guerdon.credit.advantages.batch_normalised import BatchNormalised
from guerdon.credit.advantages.return_to_go import ReturnToGo
from guerdon.losses.penalties.kl_direct import KLDirect
from guerdon.losses.surrogates.clip import Clip
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term

recipe = Recipe(
    terms=(Term(Clip(0.2)),),
    optimiser=AdamW(learning_rate=1e-6),
    sampler=Group(num_generations=1),
    reward_penalties=(Term(KLDirect(), weight=0.01),),
    advantage=BatchNormalised(ReturnToGo()),
)
