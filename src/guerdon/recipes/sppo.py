"""SPPO: an answer's log-ratio is to be eta times its win rate above one half: a step of self-play towards the equilibrium of a preference.

Source: SPPO, arXiv 2405.00675, eq. 4.7, times beta^2 with ``beta`` = 1 / eta; eta 1000: the paper's; the learning rate 5e-7: its appendix C, as TRL's index of papers
cites it. The data are rows of {prompt, completion, label}, where the label is the probability that the answer is preferred to one of the policy's; the paper
estimates it from several.
Differs from SPPO with certain labels: no pairs, and how sure a win is counts.
"""

from guerdon.losses.pointwise import Pointwise
from guerdon.losses.scores.log_ratio import LogRatio
from guerdon.losses.verdicts.square import Square
from guerdon.targets import Target
from guerdon.targets.offline import Verdicts
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term

recipe = Recipe((Term(Pointwise(LogRatio(beta=0.001), Square())),), AdamW(learning_rate=5e-7))

target = Target(
    "(log-ratio - 1000 (win rate - 1/2))^2",
    lambda d: (d.each.ratio - 1000 * (d.columns["label"] - 0.5)).square().mean(),
    Verdicts(soft=True),
    up_to="times beta^2, which the docstring says",
)
