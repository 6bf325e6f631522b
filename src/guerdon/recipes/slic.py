"""SLiC: the preferred answer is to lead by a margin; a pair that does is left alone.

Source: RSO, arXiv 2309.06657, eq. 10: the hinge of SLiC-HF on log-ratios, the form that libraries call SLiC. SLiC-HF itself, arXiv 2305.10425, section 2,
has log-probabilities without a reference (``score: log_probability``) and holds the policy by a second term, SFT on demonstrations.
Differs from DPO: the hinge instead of the logistic. ``beta`` 0.1 and the learning rate are DPO's.
"""

from guerdon.losses.comparisons.hinge import Hinge
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.scores.log_ratio import LogRatio
from guerdon.targets import Target
from guerdon.targets.offline import Pairs
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term

recipe = Recipe((Term(Pairwise(LogRatio(beta=0.1), Hinge(delta=1.0))),), AdamW(learning_rate=1e-6))

target = Target(
    "max(0, 1 - 0.1 (log-ratio(chosen) - log-ratio(rejected)))",
    lambda d: (1 - 0.1 * (d.chosen.ratio - d.rejected.ratio)).clamp(min=0).mean(),
    Pairs(),
)
