"""INPO: mirror descent towards the Nash policy of a general preference, with a regression on pairs that the policy itself draws.

A round draws pairs from the policy, has them compared, and regresses; then the policy as it is becomes ``previous``. Here a round is a step
of the loop; with more gradient steps a round, raise ``epochs``, and ``updates`` with it.

Source: INPO, arXiv 2407.00617: h_t and the target 1 / (2 eta), here in units of the regulariser: tau 0.1 and eta 0.3, so that
``share`` is 1/3. The sampler and the learning rate are those of online DPO.
Differs from online DPO: a square and no logistic link, and the previous policy as a second anchor: what it goes to is a Nash equilibrium
where no reward explains the comparisons.
"""

from dataclasses import replace

from guerdon.losses.comparisons.square import Square
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.scores.log_ratio_to_iterate import LogRatioToIterate
from guerdon.recipes.online_dpo import recipe as online_dpo
from guerdon.training.recipe import Term
from guerdon.training.updates.reset_reference import ResetReference

recipe = replace(
    online_dpo,
    terms=(Term(Pairwise(LogRatioToIterate(share=1 / 3), Square(target=1 / (2 * 0.3)))),),
    updates=(ResetReference(every=1, into="previous"),),
)
