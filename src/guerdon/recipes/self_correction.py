"""Self-correction (SCoRe), stage II: two answers in one conversation, both rewarded, and the second for what it gained on the first.

    maximise  E[ r_1 + r_2 + 10 (r_2 - r_1) ] - 0.01 KL(policy || reference)        the bonus is the second answer's

It follows ``self_correction_start``, from a policy whose second answers are worth more than its first. The policy gradient is REINFORCE's.

Source: SCoRe, arXiv 2409.12917, section 5.2 and eq. 4; alpha 10 is the paper's. The baseline, the mean of a group of 8, the sentence between the answers, the weight of the
divergence and the learning rate are ours: the paper's baseline is learned elsewhere, and its models are not to be had.
Differs from RLOO: a second answer, and a bonus for progress; without it both answers become the same one.
"""

from guerdon.acting.samplers.attempts import Attempts
from guerdon.credit.advantages.attempt_group import AttemptGroup
from guerdon.losses.penalties.kl_exact import KLExact
from guerdon.losses.surrogates.reinforce import Reinforce
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term

recipe = Recipe(
    terms=(Term(Reinforce()), Term(KLExact(), weight=0.01)),
    optimiser=AdamW(learning_rate=1e-6),
    sampler=Attempts(num_generations=8, attempts=2),
    advantage=AttemptGroup(progress=10.0),
)
no_target = "it rewards several answers in one conversation, and the targets' world has one answer"
