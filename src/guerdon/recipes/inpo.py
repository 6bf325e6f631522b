"""INPO: mirror descent towards the Nash policy of a general preference, with a regression on pairs that the policy itself draws.

A round draws pairs from the policy, has them compared, and regresses; then the policy as it is becomes ``previous``. Here a round is a step
of the loop; with more gradient steps a round, raise ``epochs``, and ``updates`` with it.

Source: INPO, arXiv 2407.00617: h_t and the target 1 / (2 eta), here in units of the regulariser: tau 0.1 and eta 0.3, so that
``share`` is 1/3. The sampler and the learning rate are those of online DPO.
Differs from online DPO: a square and no logistic link, and the previous policy as a second anchor: what it goes to is a Nash equilibrium
where no reward explains the comparisons.
"""

from dataclasses import replace

from torch import Tensor

from guerdon.losses.comparisons.square import Square
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.scores.log_ratio_to_iterate import LogRatioToIterate
from guerdon.recipes.online_dpo import recipe as online_dpo
from guerdon.targets import Optimum, Target
from guerdon.targets.acting import Acts, World
from guerdon.targets.offline import Compared
from guerdon.training.recipe import Term
from guerdon.training.updates.reset_reference import ResetReference

recipe = replace(
    online_dpo,
    terms=(Term(Pairwise(LogRatioToIterate(share=1 / 3), Square(target=1 / (2 * 0.3)))),),
    updates=(ResetReference(every=1, into="previous"),),
)


def _objective(w: World) -> Tensor:
    which, chance = w.draws(*[w.said.probability] * 2)
    asked = which[:, 0] != which[:, 1]
    first, second = which[asked].T
    anchor = (w.said.under("ref").total + 2 * w.said.under("previous").total) / 3  # tau / eta = 1/3
    lead, wins = (w.said.total - anchor)[first] - (w.said.total - anchor)[second], w.prefer[first, second]
    aim = 1 / (2 * 0.3)
    return (chance[asked] * (wins * (lead - aim).square() + (1 - wins) * (lead + aim).square())).sum()


_played = Compared(asked="previous", general=True, views=("previous",))


def _step(reference: Tensor, prefer: Tensor) -> Tensor:
    previous = _played.probabilities_of("previous")
    return (reference.log() / 3 + 2 * previous.log() / 3 + prefer @ previous / 0.3).softmax(-1)


target = (
    Target(
        "E over two different answers and who is preferred of (h(chosen) - h(rejected) - 1 / (2 eta))^2,   "
        "h = log p - log ref / 3 - 2 log previous / 3,   eta = 0.3",
        _objective,
        Acts(group=2, game=True, judged=True, views=("previous",)),
    ),
    Optimum("the step of mirror descent from the previous policy: ref^(1/3) previous^(2/3) exp(P(beats previous) / 0.3)", _step, _played),
)
