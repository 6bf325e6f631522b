"""Greedy alignment: a pair counts as much as the policy is likely to write its two sides, measured against what it would be most likely to write.

    weight = exp(m(chosen) + m(rejected)),   m = mean over acted steps of (logp - log max_v p_v)        [N], between 0 and 1, a constant

Source: WPO, arXiv 2406.11827, section 3.2, the alignment that it compares with the sampled one and finds to do less well. Its equation was not seen; this is
what the words say: what the policy writes greedily has the weight 1.
Differs from MeanLikelihood: a step at which the policy is unsure does not make the pair count less.
"""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from guerdon.losses.weights.mean_likelihood import LN2, MeanLikelihood, of_both
from guerdon.quantities import BT, Mask, N
from guerdon.witness import Limit, Witness

BTK = Float[Tensor, "B T K"]


@dataclass(frozen=True)
class GreedyAlignment:
    def __call__(
        self,
        chosen_logp: BT,
        chosen_top_logp: BTK,
        chosen_mask: Mask,
        rejected_logp: BT,
        rejected_top_logp: BTK,
        rejected_mask: Mask,
    ) -> N:
        return of_both(chosen_logp - chosen_top_logp[..., 0], chosen_mask, rejected_logp - rejected_top_logp[..., 0], rejected_mask)


witness = Witness(  # half as likely as the most likely step; the most likely one
    GreedyAlignment(),
    parent=MeanLikelihood(),
    given={
        "chosen_logp": [[-2 * LN2, -3 * LN2]],
        "chosen_top_logp": [[[-LN2, -2 * LN2], [-2 * LN2, -2 * LN2]]],
        "chosen_mask": [[1, 1]],
        "rejected_logp": [[-LN2]],
        "rejected_top_logp": [[[-LN2, -2 * LN2]]],
        "rejected_mask": [[1]],
    },
    returns=[0.5],
    gradient={"chosen_logp": None, "chosen_top_logp": None, "rejected_logp": None},
)


def _certain(inputs: dict) -> dict:
    """A policy that has one next step only."""
    return inputs | {f"{side}_top_logp": inputs[f"{side}_top_logp"] * 0 for side in ("chosen", "rejected")}


limits = (Limit(GreedyAlignment(), equals=MeanLikelihood(), when="the most likely next step has the probability 1", under=_certain),)
