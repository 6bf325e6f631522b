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
from guerdon.models.moving import finest
from guerdon.quantities import BT, Mask
from guerdon.steps import clean, total
from guerdon.training.tally import Tally


def observe_distance(log_ratio: BT, mask: Mask, tally: Tally) -> None:
    """What is logged of log-ratios [B, T] of the policy that learns to the one that acted. No gradient step has been made between them and the figures."""
    by_level = {"token": (clean(log_ratio, mask), mask), "sequence": (total(log_ratio, mask), mask.any(-1))}
    for level, (own, acted) in by_level.items():
        weights = own.detach().to(finest(own.device)).clamp(-AT, AT).exp()
        tally.weigh(f"sampling/effective_sample_size/{level}", weights, acted)
        tally.add(f"sampling/chi2/{level}", weights.square() - 1, acted)


def observe_weights(loss: Any, quantities: Mapping[str, Tensor], tally: Tally) -> None:
    """What is logged of the weights that a loss corrects with."""
    mask = quantities["mask"]
    if mask.device.type == "cpu" and not mask.any():
        return
    with torch.no_grad():
        weight, cut = loss.weight(quantities), loss.truncated(quantities)
    tally.weigh("sampling/effective_sample_size/corrected", weight, mask)
    tally.add("sampling/importance_sampling_ratio/mean", weight, mask)
    tally.lowest("sampling/importance_sampling_ratio/min", torch.where(mask, weight, torch.inf).min())
    tally.highest("sampling/importance_sampling_ratio/max", torch.where(mask, weight, -torch.inf).max())
    tally.add("sampling/masked", (weight == 0).to(weight.dtype), mask)
    tally.add("sampling/masked_sequences", (~((weight != 0) & mask).any(-1)).to(weight.dtype), mask.any(-1))
    tally.add("sampling/truncated", cut.to(weight.dtype), mask)
