"""Length-desensitised: what one side has beyond the length of the other counts ``alpha`` of the rest.

    score(alpha_t * logp, alpha_t * ref_logp, ...),   alpha_t = 1 up to the acted step at which the shorter side ends, alpha beyond        [B]

``LengthDesensitised(LogRatio(0.1))`` is LD-DPO; of any other score that adds up log-probabilities it takes the same away. 1 leaves the score as it is, 0 cuts
both sides to the length that they have in common.

Source: LD-DPO, arXiv 2409.06411; as in TRL (``ld_alpha``), whose factor is on the policy's and the reference's log-probabilities alike. ``alpha`` 0.5: ours, the
middle; the paper chooses it for each model.
Differs from LogRatio: the surplus of a long answer moves the score less, so that length by itself is learned less.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from guerdon.losses.scores import Score
from guerdon.losses.scores.log_ratio import LogRatio
from guerdon.parts import call, needs, wants
from guerdon.quantities import B, Mask, Name
from guerdon.witness import Limit, Witness


@dataclass(frozen=True)
class LengthDesensitised:
    score: Score
    alpha: float = 0.5

    def needs(self) -> frozenset[str]:
        return needs(self.score) | {"mask", "other_mask"}

    def wants(self) -> frozenset[str]:
        return wants(self.score)

    def __call__(self, mask: Mask, other_mask: Mask, **quantities: Tensor) -> B:
        surplus = mask.cumsum(-1) > other_mask.sum(-1, keepdim=True)
        scaled = {name: torch.where(surplus, self.alpha * x, x) for name, x in quantities.items() if Name.parse(name).quantity == "logp"}
        return call(self.score, {**quantities, **scaled, "mask": mask})


_sides = {  # the first acted step, then one that the other side does not have
    "logp": [[7.0, -1.0, -2.0, 9.0]],
    "ref_logp": [[7.0, -2.0, -6.0, 5.0]],
    "mask": [[0, 1, 1, 0]],
    "other_mask": [[1, 0, 0, 0]],
}
_half = LengthDesensitised(LogRatio(beta=1.0))
witness = (
    Witness(_half, parent=LogRatio(beta=1.0), given=_sides, returns=[3.0], gradient={"logp": [[0.0, 1.0, 0.5, 0.0]], "ref_logp": None}),
    Witness(
        LengthDesensitised(LogRatio(beta=1.0), alpha=0.25),
        parent=_half,
        given=_sides,
        returns=[2.0],
        gradient={"logp": [[0.0, 1.0, 0.25, 0.0]]},
    ),
)


def _as_long(inputs: dict) -> dict:
    """The other side has as many acted steps."""
    return inputs | {"other_mask": inputs["mask"].clone()}


limits = (
    Limit(LengthDesensitised(LogRatio(), alpha=0.0), equals=LogRatio(), when="both sides are of one length", under=_as_long),
    Limit(LengthDesensitised(LogRatio(), alpha=1.0), equals=LogRatio(), when="alpha is 1"),
)
