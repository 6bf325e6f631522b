"""Population return: what an agent gains on average against every member of a population, itself among them.

    value[i] = mean over j of payoff[i, j]        [N], in the unit of ``payoff`` [N, M], what row i gains against member j

Source: Lanctot et al. 2023, arXiv 2303.03196, and its authors' code (open_spiel, ``roshambo_population_example.py``).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from guerdon.errors import InputError
from guerdon.witness import Witness


@dataclass(frozen=True)
class PopulationReturn:
    def __call__(self, payoff: Any) -> np.ndarray:
        table = np.asarray(payoff, dtype=float)
        if table.ndim != 2 or not table.size or not np.isfinite(table).all():
            raise InputError("a population is measured on a table of payoffs [agents, members] of finite numbers")
        return table.mean(1)


witness = Witness(PopulationReturn(), given={"payoff": [[0, 3, -1, 2], [1, 1, 1, 1]]}, returns=[1.0, 1.0])
