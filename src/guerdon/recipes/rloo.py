"""RLOO: REINFORCE on whole answers, with the mean of the other answers to the prompt as the baseline.

Source: Ahmadian et al. 2024, arXiv 2402.14740, section 3; KL in the reward with weight 0.03 (on TL;DR; 0.1 on Anthropic-HH) and learning rate 1e-6: its
appendix C. Four answers, the larger of its 2 and 4. An answer is one action, so its log-probabilities are summed: the reduction is a constant length of 1.
Differs from GRPO: an unbiased baseline, no scale, no clip, KL in the reward.
"""

from guerdon.acting.samplers.group import Group
from guerdon.credit.advantages.leave_one_out import LeaveOneOut
from guerdon.losses.penalties.kl_direct import KLDirect
from guerdon.losses.reduce.constant_length import ConstantLength
from guerdon.losses.surrogates.reinforce import Reinforce
from guerdon.targets import Target
from guerdon.targets.acting import Acts
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term

recipe = Recipe(
    terms=(Term(Reinforce(), reduce=ConstantLength(length=1)),),
    optimiser=AdamW(learning_rate=1e-6),
    sampler=Group(num_generations=4),
    reward_penalties=(Term(KLDirect(), weight=0.03),),
    advantage=LeaveOneOut(),
)

target = Target(
    "- E[reward] + 0.03 KL(policy || reference)",
    lambda w: 0.03 * (w.said.probability * w.said.ratio).sum() - w.said.probability @ w.reward,
    Acts(),
)
