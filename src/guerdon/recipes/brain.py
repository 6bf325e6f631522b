"""BRAIn: among the reference's answers to a prompt, the policy's shares are to be those of the posterior given that the answer is good.

Rows of the ranking format (``prompt``, ``completions``, ``scores``), the completions drawn from the reference, the scores in units of the
temperature.

Source: BRAIn, arXiv 2402.02479, with the reference as the proposal throughout (its policy draws anew in later rounds). The learning rate is
DPO's.
Differs from DPO: several answers, and how much better counts.
"""

from guerdon.losses.listwise import Listwise
from guerdon.losses.rankings.top_one import TopOne
from guerdon.losses.scores.log_ratio import LogRatio
from guerdon.targets import Target
from guerdon.targets.offline import Rankings
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term

recipe = Recipe((Term(Listwise(LogRatio(beta=1.0), TopOne())),), AdamW(learning_rate=1e-6))

target = Target(
    "- sum over the answers to a prompt of softmax(reward) log softmax(log-ratio)",
    lambda d: -(d.columns["reward"].softmax(-1) * d.each.ratio.log_softmax(-1)).sum(-1).mean(),
    Rankings(),
    up_to="the loop takes the mean over answers, the equation that over prompts",
)
