"""TRPA: rules sort a group's answers into levels, each pair across levels is compared, and a KL from the policy that drew them keeps the step
small.

The reward is the level: whatever rules give (right and well formed, well formed, neither); answers of one level are not compared.

Source: Trust Region Preference Approximation, arXiv 2504.04524, and its authors' code (``compute_pairwise_policy_loss``, ``main_TRPA.sh``):
log-ratios to the reference per token, beta 0.1, the KL from the policy that acted with weight 0.001, 16 answers, learning rate 4e-7. Left
out: their factor of 2.5 on pairs whose better answer has the highest level.
Differs from online DPO: all pairs across levels, log-ratios per token, a trust region.
"""

from guerdon.acting.samplers.group import Group
from guerdon.data.pairing.all_pairs import AllPairs
from guerdon.losses.against import Against
from guerdon.losses.comparisons.logistic import Logistic
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.penalties.kl_exponential import KLExponential
from guerdon.losses.scores.mean_log_ratio import MeanLogRatio
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
