"""Gold against proxy: both rewards as functions of the distance from the reference, which shows over-optimisation.

    items are ordered by ``kl`` and cut into ``bins`` of (as nearly as possible) equal number
    row b = (mean sqrt(max(kl, 0)), mean proxy, mean gold, number of items)        [bins, 4], ascending in kl

Shapes: ``kl`` (nats), ``proxy``, ``gold``: [P], one per policy, checkpoint or sequence. Over-optimisation is where the proxy still
rises and gold falls. The square root is the axis on which Gao et al. found both to be nearly straight at the start.
Source: Gao et al. 2022, arXiv 2210.10760, figures 1 and 2, d = sqrt(KL). Default 10 bins: a choice of ours.
"""

from dataclasses import dataclass

import numpy as np

from guerdon.errors import InputError
from guerdon.witness import Witness


@dataclass(frozen=True)
class GoldAgainstProxy:
    bins: int = 10

    def __call__(self, kl, proxy, gold) -> np.ndarray:
        columns = np.stack([np.asarray(x, dtype=float) for x in (kl, proxy, gold)])
        if not 1 <= self.bins <= columns.shape[1]:
            raise InputError(f"gold against proxy has {columns.shape[1]} items for {self.bins} bins; use at most one bin per item")
        columns[0] = np.sqrt(np.maximum(columns[0], 0))
        ordered = columns[:, np.argsort(columns[0], kind="stable")]
        return np.array([[*part.mean(-1), part.shape[1]] for part in np.array_split(ordered, self.bins, axis=1)])


_given = {"kl": [4.0, 0.0, 9.0, 1.0], "proxy": [2.0, 0.0, 3.0, 1.0], "gold": [1.5, 0.0, 0.5, 1.0]}
witness = (
    Witness(GoldAgainstProxy(1), given=_given, returns=[[1.5, 1.5, 0.75, 4]]),
    Witness(GoldAgainstProxy(2), given=_given, returns=[[0.5, 0.5, 0.5, 2], [2.5, 2.5, 1.0, 2]], parent=GoldAgainstProxy(1)),
)
