"""APO-zero on single answers: good ones are made likelier than the reference has them, bad ones less likely.

Source: APO, arXiv 2408.06266, in the form of TRL (``loss_type="apo_zero_unpaired"`` of its KTO trainer). ``beta`` 0.1 and the learning rate are
DPO's. The data are rows of {prompt, completion, label}.
Differs from KTO: the reference point is 0, so that no answers to other prompts are needed.
"""

from guerdon.losses.pointwise import Pointwise
from guerdon.losses.scores.log_ratio import LogRatio
from guerdon.losses.verdicts.prospect import Prospect
from guerdon.targets import Target
from guerdon.targets.offline import Verdicts
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term

recipe = Recipe((Term(Pointwise(LogRatio(beta=0.1), Prospect())),), AdamW(learning_rate=1e-6))

target = Target(
    "- sigmoid(0.1 log-ratio) of a good answer, + of a bad one",
    lambda d: ((1 - 2 * d.columns["label"]) * (0.1 * d.each.ratio).sigmoid()).mean(),
    Verdicts(),
)
