"""TRPA: rules sort a group's answers into levels, each pair across levels is compared, and a KL from the policy that drew them keeps the step
small.

The reward is the level: whatever rules give (right and well formed, well formed, neither); answers of one level are not compared.

Source: Trust Region Preference Approximation, arXiv 2504.04524, and its authors' code (``compute_pairwise_policy_loss``, ``main_TRPA.sh``):
log-ratios to the reference per token, beta 0.1, the KL from the policy that acted with weight 0.001, 16 answers, learning rate 4e-7. Left
out: their factor of 2.5 on pairs whose better answer has the highest level; and what they train where a micro-batch has no pair at all, all of its answers being of
one level: the mean of - log sigmoid(l) with l the log-ratio per token, without beta, of right answers and minus that of others. Here such a batch trains the trust
region alone.
Differs from online DPO: all pairs across levels, log-ratios per token, a trust region.
"""

from torch import Tensor
from torch.nn.functional import logsigmoid

from guerdon.acting.samplers.group import Group
from guerdon.data.pairing.all_pairs import AllPairs
from guerdon.losses.against import Against
from guerdon.losses.comparisons.logistic import Logistic
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.penalties.kl_exponential import KLExponential
from guerdon.losses.scores.mean_log_ratio import MeanLogRatio
from guerdon.targets import Target
from guerdon.targets.acting import Acts, World
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term

recipe = Recipe(
    terms=(
        Term(Pairwise(MeanLogRatio(beta=0.1), Logistic())),
        Term(Against(KLExponential(), view="old"), weight=0.001, data="rollouts"),
    ),
    optimiser=AdamW(learning_rate=4e-7),
    sampler=Group(16),
    pairing=AllPairs(),
)


def _objective(w: World) -> Tensor:
    which, chance = w.draws(*[w.said.under("old").probability] * 3)
    said, level = w.said.at(which), w.reward[which]
    ratio = 0.1 * said.ratio / said.length
    higher = (level.unsqueeze(-1) > level.unsqueeze(-2)).double()
    pairs = -(higher * logsigmoid(ratio.unsqueeze(-1) - ratio.unsqueeze(-2))).sum((-2, -1)) / higher.sum((-2, -1)).clamp(min=1)
    behind = said.under("old").steps - said.steps
    region = (behind.exp() - behind - 1).sum((-2, -1)) / said.length.sum(-1)
    return (chance * (pairs + 0.001 * region)).sum()


target = Target(
    "E over groups of the mean over pairs across levels of - log sigmoid(0.1 difference of log-ratios per token) + 0.001 KL from who acted, over tokens",
    _objective,
    Acts(rewards=(1.0, 0.0, 2.0), away=True),
)
