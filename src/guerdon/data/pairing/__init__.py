"""Pairing: what is known of sampled sequences → which two are compared, as rows [N, 2].

Who answers which of the two is better is another matter: a judge (``feedback.judges``), or the reward. A pairing asks for quantities of the sequences by name:
``group`` [B], ``reward`` [B], or what the policy and its views measure (``logp``, ``ref_logp``, ``mask``), and is given those.
"""

from typing import Protocol

from torch import Tensor


class Pairing(Protocol):
    """Quantities of B sequences → [N, 2] indices of rows, the two sides of each question, in the order in which they are asked."""

    def __call__(self, **quantities: Tensor) -> Tensor: ...
