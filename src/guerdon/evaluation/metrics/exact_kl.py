"""Exact KL: the divergence of one distribution from another, both given as tables.

    KL(p || q) = sum_v p_v log(p_v / q_v)        in nats; infinite where p has mass and q has none

Shapes: ``p``, ``q``: [..., V], rows sum to 1; the result has the shape without V.
Source: Kullback and Leibler 1951. Summed by ``scipy.special.rel_entr``.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import rel_entr

from guerdon.errors import InputError
from guerdon.witness import Witness


@dataclass(frozen=True)
class ExactKL:
    def __call__(self, p, q) -> np.ndarray:
        p, q = np.asarray(p, dtype=float), np.asarray(q, dtype=float)
        for name, x in (("p", p), ("q", q)):
            if (x < 0).any() or not np.allclose(x.sum(-1), 1, atol=1e-6):
                raise InputError(f"ExactKL takes probabilities, but a row of {name} does not sum to 1 or has a negative entry")
        return rel_entr(p, q).sum(-1)


witness = Witness(ExactKL(), given={"p": [[1.0, 0.0], [0.5, 0.5]], "q": [[0.5, 0.5], [0.5, 0.5]]}, returns=[0.6931471805599453, 0.0])
