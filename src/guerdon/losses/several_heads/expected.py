"""Expected: the score is not known for certain, and the loss is expected over what it may be.

    loss = mean_s link(chosen_head_score_s, rejected_head_score_s)        [N]

where a head is a draw of what is not known, the same for both sides: a latent of the user, a member of an ensemble. With ``GaussianKL`` it
is the evidence lower bound, turned.

Source: VPL, Poddar et al. 2024, arXiv 2408.10075: the expected log-likelihood of the evidence lower bound; there one draw at a time.
Differs from Mixture: the mean of the losses, not the loss of the mean likelihood: every draw has to explain the pair.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from guerdon.losses.comparisons import Comparison
from guerdon.losses.comparisons.logistic import LN3, LN4, Logistic
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.scores.head import Head
from guerdon.losses.several_heads._each import needed, side_scores, under_each, wanted
from guerdon.losses.several_heads.mixture import LN2, Mixture
from guerdon.quantities import B, N
from guerdon.witness import Limit, Witness


@dataclass(frozen=True)
class Expected:
    per_item: ClassVar[bool] = True  # a loss per pair, not per step

    link: Comparison = Logistic()

    def needs(self) -> frozenset[str]:
        return needed(self.link)

    def wants(self) -> frozenset[str]:
        return wanted(self.link)

    def scores(self, quantities: Mapping[str, Tensor]) -> dict[str, B]:
        """The mean score of each side."""
        return side_scores(quantities, lambda heads: heads.mean(-1))

    def __call__(self, **quantities: Tensor) -> N:
        return under_each(self.link, quantities).mean(-1)


witness = Witness(  # losses of ln 4/3 and ln 4; of the mixture it would be ln 2
    Expected(),
    parent=Mixture(),
    given={"chosen_head_score": [[LN3, 0.0]], "rejected_head_score": [[0.0, LN3]], "chosen_mixture_logp": [[-LN2, -LN2]]},
    returns=[LN4 - LN3 / 2],
    gradient={"chosen_head_score": [[-1 / 8, -3 / 8]], "rejected_head_score": [[1 / 8, 3 / 8]]},
)


def _alike(inputs: dict) -> dict:
    """Draws that are all the score."""
    return inputs | {f"{side}_head_score": inputs[f"{side}_score"].unsqueeze(-1).expand(-1, 3) for side in ("chosen", "rejected")}


limits = (Limit(Expected(), equals=Pairwise(Head(), Logistic()), when="nothing is uncertain", under=_alike),)
