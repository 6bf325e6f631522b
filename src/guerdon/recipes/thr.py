"""THR: GRPO in which a step counts for more if learning from it makes the group's right answers likelier, and not at all if it hardly matters to them.

A negative ``lean`` is the reverse: more of the steps that leave probability to other answers, for being right once in many tries.

Source: Deng et al. 2025, arXiv 2510.03669, of which the abstract and a summary were read: GRPO's advantages times 1 + p sign(influence), p above 0 for accuracy and below for
pass@k, steps of little influence left out. p = +-0.1, the clip of 0.2, no KL and two updates per batch, without which the clip has nothing to do, are ours, and so are the
learning rate and the 8 answers, which are those of ``grpo``.
Differs from GRPO: steps of one answer differ. The influence reads the policy's hidden states of all steps, which takes memory.
"""

from guerdon.acting.samplers.group import Group
from guerdon.credit.advantages.emphasised import Emphasised
from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.credit.emphasis.likelihood_influence import LikelihoodInfluence
from guerdon.credit.scales.group_deviation import GroupDeviation
from guerdon.losses.reduce.sequence_mean import SequenceMean
from guerdon.losses.surrogates.clip import Clip
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term

recipe = Recipe(
    terms=(Term(Clip(0.2), reduce=SequenceMean()),),
    optimiser=AdamW(learning_rate=1e-6),
    sampler=Group(num_generations=8),
    advantage=Emphasised(GroupCentred(GroupDeviation()), LikelihoodInfluence(lean=0.1)),
    epochs=2,
)

no_target = "which steps count depends on hidden states, which the targets' world, a table, has none of"
