"""Critique-GRPO: beside seven answers stands one that the policy gave when it was told what was wrong, and is learned from as an answer to the plain question.

    loss = mean over the group of (sum over tokens of - p / sg[p] A for own answers, - p / (p + 0.1) A for the refinement) / 512,   A = reward - mean of the group

Source: Zhang et al. 2025, arXiv 2506.03106, abstract, and its authors' code and script for Qwen3-8B: 7 and 1, no clip, no division by the group's spread or by lengths,
``p_div_p_0.1``, entropy bonus of 0.001, learning rate 1e-6, two minibatches. There a critique tells the known answer as well; here it is the verdict
(``sampler.reply`` takes another, in which the row's columns may stand in braces). ``length`` as in ``dr_grpo``.
Differs from Dr. GRPO: the refinement and its shaping, no clip, the bonus.
"""

import math

from guerdon.acting.samplers.refined import Refined
from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.losses.choices.of_actor import OfActor
from guerdon.losses.corrected import Corrected
from guerdon.losses.corrections.truncated import Truncated
from guerdon.losses.penalties.entropy import Entropy
from guerdon.losses.reduce.constant_length import ConstantLength
from guerdon.losses.surrogates.reinforce import Reinforce
from guerdon.losses.surrogates.saturating_ratio import SaturatingRatio
from guerdon.losses.where import Where
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term

_own = Corrected(Reinforce(), (Truncated(cap=math.inf),), view="")
recipe = Recipe(
    terms=(
        Term(Where(OfActor(), then=SaturatingRatio(0.1), otherwise=_own), reduce=ConstantLength(length=512)),
        Term(Entropy(), weight=1e-3),
    ),
    optimiser=AdamW(learning_rate=1e-6),
    sampler=Refined(num_generations=8),
    advantage=GroupCentred(scale=None),
    minibatches=2,
)
no_target = "its refinements follow what was replied to another answer, and the targets' world has no conversation"
