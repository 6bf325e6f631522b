"""Sampled alignment: a pair counts as much as the policy is likely to write its two sides, measured against what it writes on average.

    weight = exp(m(chosen) + m(rejected)),   m = mean over acted steps of (logp - log sum_v p_v^2)        [N], a constant

sum_v p_v^2 is the probability that a sampled step has on average, so that pairs that the policy has drawn itself count about 1 each. ``at_most``: the largest
weight; None, no bound, as in the paper's equation and in TRL (``use_weighting``). The authors' code has 1.

Source: WPO, arXiv 2406.11827, eq. 2 (the number is the one that TRL's source gives); the authors' code (wzhouad/WPO).
Differs from GreedyAlignment: the average step is the measure, not the most likely one, so a weight can be above 1.
"""

from dataclasses import dataclass

from guerdon.losses.weights.greedy_alignment import GreedyAlignment
from guerdon.losses.weights.mean_likelihood import LN2, MeanLikelihood, of_both
from guerdon.quantities import BT, Mask, N
from guerdon.witness import Limit, Witness


@dataclass(frozen=True)
class SampledAlignment:
    at_most: float | None = None

    def __call__(
        self,
        chosen_logp: BT,
        chosen_collision_entropy: BT,
        chosen_mask: Mask,
        rejected_logp: BT,
        rejected_collision_entropy: BT,
        rejected_mask: Mask,
    ) -> N:
        weight = of_both(chosen_logp + chosen_collision_entropy, chosen_mask, rejected_logp + rejected_collision_entropy, rejected_mask)
        return weight if self.at_most is None else weight.clamp(max=self.at_most)


_pair = {  # of two steps that are equally likely, 1/2 each; then of more, 1/4 each, of which the policy finds this one half as likely
    "chosen_logp": [[-LN2, -3 * LN2]],
    "chosen_collision_entropy": [[LN2, 2 * LN2]],
    "chosen_mask": [[1, 1]],
    "rejected_logp": [[-LN2]],
    "rejected_collision_entropy": [[2 * LN2]],
    "rejected_mask": [[1]],
}
witness = (
    Witness(
        SampledAlignment(),
        parent=MeanLikelihood(),
        given=_pair,
        returns=[2**0.5],
        gradient={"chosen_logp": None, "chosen_collision_entropy": None, "rejected_logp": None},
    ),
    Witness(
        SampledAlignment(),
        parent=GreedyAlignment(),
        given=_pair | {"chosen_top_logp": [[[-LN2], [-2 * LN2]]], "rejected_top_logp": [[[-LN2]]]},
        returns=[2**0.5],
    ),
    Witness(SampledAlignment(at_most=1.0), parent=SampledAlignment(), given=_pair, returns=[1.0]),
)


def _certain(inputs: dict) -> dict:
    """A policy that has one next step only."""
    return inputs | {f"{side}_collision_entropy": inputs[f"{side}_collision_entropy"] * 0 for side in ("chosen", "rejected")}


limits = (Limit(SampledAlignment(), equals=MeanLikelihood(), when="two draws of the next step are always the same", under=_certain),)
