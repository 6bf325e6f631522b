"""Attention rhythm: GRPO that praises more the steps which later ones look back to, and those which prepared them.

``recipe.advantage.emphasis`` is coupled rhythm credit; ``anchors`` and ``preplans`` in its place are the paper's two others, ``undecided`` its rival.

Source: Li et al. 2025, arXiv 2510.13554, section 5: GRPO's advantage times 1.5 at those steps, where it is not negative; no KL and no entropy term, learning rate 1e-6, 16 gradient
steps a batch (512 answers, 32 at a time). Its group and clip are not told: 8 and 0.2 are ``grpo``'s.
Differs from GRPO: steps of one answer differ. Attention maps take a forward pass of their own (``models.language.attention_maps``), once for a batch.
"""

from guerdon.acting.samplers.group import Group
from guerdon.credit.advantages.emphasised import Emphasised
from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.credit.emphasis.rhythm import Rhythm
from guerdon.credit.scales.group_deviation import GroupDeviation
from guerdon.losses.reduce.sequence_mean import SequenceMean
from guerdon.losses.surrogates.clip import Clip
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term

recipe = Recipe(
    terms=(Term(Clip(0.2), reduce=SequenceMean()),),
    optimiser=AdamW(learning_rate=1e-6),
    sampler=Group(num_generations=8),
    advantage=Emphasised(GroupCentred(GroupDeviation()), Rhythm(), praise_only=True),
    minibatches=16,
)
no_target = "which steps count depends on attention maps, which the targets' world, a table, has none of"
