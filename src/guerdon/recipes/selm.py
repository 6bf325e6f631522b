"""SELM: iterative DPO with optimism: the policy's own answer is ranked with the data's two, the best and the worst are compared, and its likelihood is pushed down.

    loss = DPO(best of three, worst of three) + alpha * beta * log policy(own answer)

The own answer is the greedy one of the policy that a round starts from, which becomes the reference. The rows are of preferences, with ``chosen`` and ``rejected``; who
is best and worst of the three is for the reward to say. Here a round is a step of the loop; raise ``every`` of the update with the gradient steps of a round.

Source: Zhang et al. 2024, arXiv 2405.19332, in its authors' code: one answer at temperature 0 and the ranking of it with the data's (``online_feedback.py``), the loss
(``selm_trainer.py``, where the log-ratio to the reference is pushed down, which has the same gradient); ``beta`` 0.01 and ``alpha`` 0.001: theirs for Zephyr. Learning rate:
online DPO's.
Differs from XPO: the pair is the data's as often as not, the answer pushed down is the policy's own, and the reference moves. Until 2026-11 two sampled answers were
compared here and a third was pushed down.
"""

from dataclasses import replace

from torch import Tensor
from torch.nn.functional import logsigmoid

from guerdon.acting.samplers.beside_given import BesideGiven
from guerdon.data.pairing.best_worst import BestWorst
from guerdon.losses.comparisons.logistic import Logistic
from guerdon.losses.imitation.negative_log_likelihood import NegativeLogLikelihood
from guerdon.losses.on_actor import OnActor
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.reduce.constant_length import ConstantLength
from guerdon.losses.scores.log_ratio import LogRatio
from guerdon.recipes.online_dpo import recipe as online_dpo
from guerdon.targets import Target
from guerdon.targets.acting import Acts, World
from guerdon.training.recipe import Term
from guerdon.training.updates.reset_reference import ResetReference

BETA, ALPHA = 0.01, 0.001
optimism = Term(OnActor(NegativeLogLikelihood(), actor=0), weight=-ALPHA * BETA, reduce=ConstantLength(length=1), data="rollouts")
recipe = replace(
    online_dpo,
    terms=(Term(Pairwise(LogRatio(BETA), Logistic())), optimism),
    sampler=BesideGiven(("chosen", "rejected")),
    pairing=BestWorst(),
    updates=(ResetReference(every=1),),
)


def _objective(w: World) -> Tensor:
    own = int(w.said.next[0, 0].argmax()) == 0  # does the greedy answer go on
    greedy = 0 if not own else 1 + int(w.said.next[1, 1].argmax())
    candidates = [greedy, 1, 2]  # and the data's
    best, worst = max(candidates, key=lambda y: float(w.reward[y])), min(candidates, key=lambda y: float(w.reward[y]))
    return -logsigmoid(0.01 * (w.said.ratio[best] - w.said.ratio[worst])) + 0.001 * 0.01 * w.said.total[greedy]


target = Target(
    "DPO's loss at 0.01 on the best and the worst of the greedy answer and the data's two + 0.001 * 0.01 log p(greedy answer)",
    _objective,
    Acts(given=(("chosen", 1), ("rejected", 2))),
)
