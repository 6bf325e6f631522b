"""Turn critic: a critic of the turns of a dialogue, fitted to comparisons of whole ones: the first half of SWEET-RL.

What it is to see besides the dialogue (the solution) stands in the prompts of its rows. Its log-ratio of a turn then ranks candidates for that turn
(``data.pairing.upper_lower``), and ``dpo`` learns from pairs of these, from prompts without it: the second half.

Source: Zhou et al. 2025, arXiv 2503.15478, and its authors' script: ``beta`` 0.1, learning rate 2e-7, four epochs. Their code takes the mean over the whole dialogue
(``length_normalised_dpo`` with ``beta`` 0.1); the paper's sum over turns is minimised here.
Differs from length-normalised DPO: the mean is over each turn, and their sum counts. Where a dialogue has one turn they are the same.
"""

from torch.nn.functional import logsigmoid

from guerdon.losses.comparisons.logistic import Logistic
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.scores.turn_mean_log_ratio import TurnMeanLogRatio
from guerdon.targets import Target
from guerdon.targets.offline import Pairs
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term

recipe = Recipe((Term(Pairwise(TurnMeanLogRatio(beta=0.1), Logistic())),), AdamW(learning_rate=2e-7))

target = Target(
    "- log sigmoid(0.1 (log-ratio(chosen) / length - log-ratio(rejected) / length)), of dialogues of one turn",
    lambda d: -logsigmoid(0.1 * (d.chosen.ratio / d.chosen.length - d.rejected.ratio / d.rejected.length)).mean(),
    Pairs(),
)
