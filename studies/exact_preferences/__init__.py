"""The exact table: what each preference objective asks for where the right answer is known, and by how much it misses it.

Each objective is minimised to the end in small worlds that can be enumerated, and its minimiser held against the optimum of E[reward] - beta KL (``measuring``), in situations
that differ by what was asked and how it was answered (``situations``). A further objective is a line in ``objectives``.
"""

from typing import Any

from studies.exact_preferences.measuring import measure as _measure
from studies.exact_preferences.objectives import OBJECTIVES
from studies.exact_preferences.page import page
from studies.exact_preferences.picture import draw

__all__ = ["draw", "measure", "page"]

SMALL = ("nothing (the reference)", "DPO", "robust DPO (told the rate)")


def measure(small: bool) -> dict[str, Any]:
    return _measure(worlds=2, grid=(0.5,), objectives={name: OBJECTIVES[name] for name in SMALL}) if small else _measure()
