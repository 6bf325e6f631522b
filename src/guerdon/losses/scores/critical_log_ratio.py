"""Critical log-ratio: the log-ratio, in which a step weighs as much as it tells wrong answers from right ones.

    s_t    = min(1, exp((1 + contrast) * positive_logp - contrast * negative_logp))        how likely a right answer would say it, contrasted with wrong ones
    score  = beta * sum over acted steps of (1 - s_t) * (logp - ref_logp)                  [B], in units of reward

For the rejected side: ``Pairwise(LogRatio(), Logistic(), rejected=CriticalLogRatio())`` takes back what only wrong answers say, and leaves alone what right ones say as well.
``positive`` and ``negative`` are models that were fitted to right and to wrong answers; no gradient goes through them. Where both say it surely, s is 1 and the step has no
weight.

Source: cDPO, arXiv 2411.19943, and its authors' code (``pipeline.py``, ``train_cdpo.py``): contrastive estimation by models of right and wrong trajectories, and its use as the
weight of rejected tokens; ``contrast`` 1 and ``beta`` 0.1 are theirs. In their code s is a softmax, over the vocabulary, of the contrasted logits, for which whole distributions of
both models are needed; here it is that without its normaliser, bounded at 1, which the steps taken suffice for. Their loss takes the log-sigmoid token by token; here, of the sum.
Differs from LogRatio: steps weigh differently. Differs from GuidedLogRatio: two models that know outcomes in the place of one that was fitted to comparisons, and weights in 0..1.
"""

from dataclasses import dataclass
from math import log

import torch

from guerdon.losses.scores.log_ratio import LogRatio
from guerdon.quantities import BT, B, Mask
from guerdon.steps import clean, total
from guerdon.witness import Limit, Witness


@dataclass(frozen=True)
class CriticalLogRatio:
    beta: float = 0.1
    contrast: float = 1.0

    def __call__(self, logp: BT, ref_logp: BT, positive_logp: BT, negative_logp: BT, mask: Mask) -> B:
        return self.beta * total(critical(positive_logp, negative_logp, self.contrast, mask) * (logp - ref_logp.detach()), mask)


def critical(positive_logp: BT, negative_logp: BT, contrast: float, mask: Mask) -> BT:
    """[B, T], 1 - s: 1 for what only wrong answers say, 0 for what right ones say at least as surely."""
    likely = (1 + contrast) * clean(positive_logp.detach(), mask) - contrast * clean(negative_logp.detach(), mask)
    return 1 - likely.clamp(max=0).exp()


_half, _quarter = log(0.5), log(0.25)
_given = {
    "logp": [[-1.0, -1.0, 9.0]],
    "ref_logp": [[-2.0, -3.0, 5.0]],
    "positive_logp": [[_half, _quarter, 0.0]],
    "negative_logp": [[_half, 0.0, 0.0]],
    "mask": [[1, 1, 0]],
}
witness = (
    Witness(  # s of 1/2 and 1/16
        CriticalLogRatio(beta=2.0),
        parent=LogRatio(beta=2.0),
        given=_given,
        returns=[1.0 + 2 * 2 * 15 / 16],
        gradient={"logp": [[1.0, 15 / 8, 0.0]], "ref_logp": None, "positive_logp": None, "negative_logp": None},
    ),
    Witness(CriticalLogRatio(beta=2.0, contrast=0.0), parent=CriticalLogRatio(beta=2.0), given=_given, returns=[1.0 + 2 * 2 * 3 / 4]),
)


def _never_right(inputs: dict) -> dict:
    return inputs | {
        "positive_logp": torch.full_like(inputs["positive_logp"], -1e4),
        "negative_logp": torch.zeros_like(inputs["negative_logp"]),
    }


limits = (Limit(CriticalLogRatio(), equals=LogRatio(), when="no right answer says any of it", under=_never_right),)
