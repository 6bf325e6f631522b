"""KL to the reference, estimated from sequences that the policy itself drew: their log-probability ratio.

    kl = sum_t (logp - ref_logp)        over the acted steps; [B], in nats per sequence

The mean over sequences is an estimate of KL(policy || reference) without bias; one sequence's value may be negative.
Shapes: ``logp``, ``ref_logp``, ``mask``: [B, T]. What lies outside of the mask does not count.
Source: the definition; "k1" of Schulman 2020, Approximating KL Divergence.
"""

from dataclasses import dataclass

import numpy as np

from guerdon.witness import Witness


@dataclass(frozen=True)
class KLToReference:
    def __call__(self, logp, ref_logp, mask) -> np.ndarray:
        return masked_log_ratio(logp, ref_logp, mask).sum(-1)


def masked_log_ratio(logp, ref_logp, mask) -> np.ndarray:
    """[B, T]: logp - ref_logp where the policy acted, 0 elsewhere."""
    acted = np.asarray(mask, dtype=bool)
    return np.where(acted, np.asarray(logp, dtype=float), 0.0) - np.where(acted, np.asarray(ref_logp, dtype=float), 0.0)


witness = Witness(
    KLToReference(),
    given={
        "logp": [[-1.0, -2.0, float("nan")], [-3.0, -1.0, -1.0]],
        "ref_logp": [[-1.5, -4.0, 0.0], [-2.0, -1.0, -1.0]],
        "mask": [[True, True, False], [True, True, True]],
    },
    returns=[2.5, -1.0],
)
