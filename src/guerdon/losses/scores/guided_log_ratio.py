"""Guided log-ratio: the log-ratio, in which a step weighs more the surer another model is that it is good, or bad.

    score = beta * sum over acted steps of (1 + alpha * r) * (logp - ref_logp),   r = guide_beta * (guide_logp - ref_logp)        [B], in units of reward

r is the implicit reward of a model that was fitted to comparisons before (DPO or SimPO, say), bound to the view ``guide``. On the chosen side steps that it likes may
move further from the reference, on the rejected side those that it dislikes, with ``alpha`` of the other sign:
``Pairwise(GuidedLogRatio(alpha=0.5), Logistic(), rejected=GuidedLogRatio(alpha=-0.5))``.

Meant for 1 + alpha r above 0; below, the step is pushed the other way. The paper asks for an alpha that is small enough, and its code does not check; neither does this.

Source: TGDPO, arXiv 2506.14574, section 4 (f_w = 1 + alpha r, f_l = 1 - alpha r; r is DPO's), and its authors' code (dvlab-research/TGDPO). Defaults: ``alpha`` 0.5,
``beta`` 0.1, and the guide's own 0.1: theirs.
Differs from LogRatio: steps weigh differently.
"""

from dataclasses import dataclass

import torch

from guerdon.losses.scores.log_ratio import LogRatio
from guerdon.quantities import BT, B, Mask
from guerdon.steps import total
from guerdon.witness import Limit, Witness


@dataclass(frozen=True)
class GuidedLogRatio:
    beta: float = 0.1
    alpha: float = 0.5
    guide_beta: float = 0.1

    def __call__(self, logp: BT, ref_logp: BT, guide_logp: BT, mask: Mask) -> B:
        ref_logp = ref_logp.detach()
        weight = 1 + self.alpha * self.guide_beta * (guide_logp.detach() - ref_logp)
        return self.beta * total(weight * (logp - ref_logp), mask)


_given = {"logp": [[-1.0, -1.0, 9.0]], "ref_logp": [[-2.0, -3.0, 5.0]], "guide_logp": [[-1.0, -4.0, 7.0]], "mask": [[1, 1, 0]]}
_part = GuidedLogRatio(beta=0.5, alpha=0.25, guide_beta=2.0)
witness = (
    Witness(  # rewards of 2 and -2, weights of 3/2 and 1/2: (3/2 * 1 + 1/2 * 2) / 2
        _part,
        parent=LogRatio(beta=0.5),
        given=_given,
        returns=[1.25],
        gradient={"logp": [[0.75, 0.25, 0.0]], "ref_logp": None, "guide_logp": None},
    ),
    Witness(  # weights of 1/2 and 3/2
        GuidedLogRatio(beta=0.5, alpha=-0.25, guide_beta=2.0),
        parent=_part,
        given=_given,
        returns=[1.75],
        gradient={"logp": [[0.25, 0.75, 0.0]]},
    ),
    Witness(  # rewards of 4 and -4, weights of 2 and 0
        GuidedLogRatio(beta=0.5, alpha=0.25, guide_beta=4.0),
        parent=_part,
        given=_given,
        returns=[1.0],
        gradient={"logp": [[1.0, 0.0, 0.0]]},
    ),
)


def _guide_is_reference(inputs: dict) -> dict:
    return inputs | {"guide_logp": torch.clone(inputs["ref_logp"])}


limits = (
    Limit(GuidedLogRatio(beta=0.3, alpha=0.0), equals=LogRatio(beta=0.3), when="alpha is 0"),
    Limit(GuidedLogRatio(beta=0.3), equals=LogRatio(beta=0.3), when="the guide is the reference", under=_guide_is_reference),
)
