"""Self-correction (SCoRe), stage I: the second of two answers is to be right, and the first is held where it was.

    maximise  E[ r_2 ] - 0.1 KL(policy || reference) of the first answer alone

so that the second is learned as an answer to first answers as they are, errors and all; ``self_correction`` goes on from here.

Source: SCoRe, arXiv 2409.12917, section 5.1 and eq. 3. Baseline, sentence, weight and learning rate as in ``self_correction``; the weight is ten times its, for one answer.
Differs from self_correction: the first answer is not rewarded, and it alone is held.
"""

from dataclasses import replace

from guerdon.credit.advantages.attempt_group import AttemptGroup
from guerdon.losses.choices.in_attempt import InAttempt
from guerdon.losses.penalties.kl_exact import KLExact
from guerdon.losses.surrogates.reinforce import Reinforce
from guerdon.losses.where import Where
from guerdon.recipes.self_correction import no_target, recipe
from guerdon.training.recipe import Term

recipe = replace(
    recipe,
    terms=(Term(Reinforce()), Term(Where(InAttempt(0), then=KLExact()), weight=0.1)),
    advantage=AttemptGroup(earlier=0.0),
)
__all__ = ["no_target", "recipe"]
