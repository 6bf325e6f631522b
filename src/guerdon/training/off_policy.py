"""Off-policy: how far the policy that learns is from the one that acted, as figures.

    sampling/effective_sample_size/token, .../sequence    of the importance weights of steps and of whole sequences: 1 where nothing has moved, near 0 where few count
    sampling/chi2/token, .../sequence                     the mean of the squared weight, minus 1: an estimate of the chi-squared divergence

and, where a loss corrects for it (``losses.corrected``), of the weights that it gives:

    sampling/effective_sample_size/corrected              of the weights of steps
    sampling/importance_sampling_ratio/mean, min, max     the weights themselves
    sampling/masked, sampling/masked_sequences            the share of steps, and of sequences with all of their steps, that have the weight 0
    sampling/truncated                                    the share of steps whose weight was cut

Source: the effective sample size of Kong 1992; names and choice follow TRL (``sampling/importance_sampling_ratio``) and verl
(``rollout_is_eff_sample_size``, ``chi2_token``, ``chi2_seq``). A log-ratio beyond 20 counts as 20, as there.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from guerdon.exponentials import AT
from guerdon.quantities import BT, Mask
from guerdon.steps import total
from guerdon.training.tally import Tally


def observe_distance(log_ratio: BT, mask: Mask, tally: Tally) -> None:
    """What is logged of log-ratios [B, T] of the policy that learns to the one that acted. No gradient step has been made between them and the figures."""
    acted = mask.any(-1)
    by_level = {"token": log_ratio[mask], "sequence": total(log_ratio, mask)[acted]}
    for level, own in by_level.items():
        weights = own.detach().double().clamp(-AT, AT).exp()
        tally.weigh(f"sampling/effective_sample_size/{level}", weights)
        tally.add(f"sampling/chi2/{level}", weights.square() - 1)


def observe_weights(loss: Any, quantities: Mapping[str, Tensor], tally: Tally) -> None:
    """What is logged of the weights that a loss corrects with."""
    mask = quantities["mask"]
    if not mask.any():
        return
    with torch.no_grad():
        weight, cut = loss.weight(quantities), loss.truncated(quantities)
    acted, own = mask.any(-1), weight[mask]
    tally.weigh("sampling/effective_sample_size/corrected", own)
    tally.add("sampling/importance_sampling_ratio/mean", own)
    tally.lowest("sampling/importance_sampling_ratio/min", float(own.min()))
    tally.highest("sampling/importance_sampling_ratio/max", float(own.max()))
    tally.add("sampling/masked", own == 0)
    tally.add("sampling/masked_sequences", ~((weight != 0) & mask).any(-1)[acted])
    tally.add("sampling/truncated", cut[mask])
