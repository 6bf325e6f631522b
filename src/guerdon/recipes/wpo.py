"""WPO: DPO in which a pair counts as much as the policy itself is likely to write it, so that old data stand for its own samples.

Source: WPO, arXiv 2406.11827, with the sampled alignment (TRL's ``use_weighting``). The authors' code bounds the weight by 1 (``at_most``), and their
configurations have a ``beta`` of 0.01; 0.1 and the learning rate are DPO's.
Differs from DPO: the weight, through which no gradient goes; as the policy moves, other pairs begin to count.
"""

from torch import Tensor
from torch.nn.functional import logsigmoid

from guerdon.losses.comparisons.logistic import Logistic
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.scores.log_ratio import LogRatio
from guerdon.losses.weights.sampled_alignment import SampledAlignment
from guerdon.targets import Target
from guerdon.targets.offline import Pairs
from guerdon.targets.seen import Said
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term

recipe = Recipe((Term(Pairwise(LogRatio(beta=0.1), Logistic(), weight=SampledAlignment())),), AdamW(learning_rate=1e-6))


def _alignment(said: Said) -> Tensor:
    """How likely the policy's own steps are, per step, against what it says on average."""
    return ((said.steps - (2 * said.next).exp().sum(-1).log() * said.mask).sum(-1) / said.length).exp().detach()


target = Target(
    "w(chosen) w(rejected) times DPO's loss,   w = the geometric mean over steps of p / sum_v p_v^2, a constant",
    lambda d: -(_alignment(d.chosen) * _alignment(d.rejected) * logsigmoid(0.1 * (d.chosen.ratio - d.rejected.ratio))).mean(),
    Pairs(),
)
