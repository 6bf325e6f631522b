"""Comparing: runs beside one another, readable without a network.

    comparison = compare(["runs/a", "runs/b"])
    write(comparison, "runs/comparison.html")

Runs that differ in nothing but their seed are one *arm*. ``arms`` reads them and says in what they differ, ``figures`` what was measured of them, with
intervals of the differences that are paired where the same prompts were answered or the same seeds drawn, ``page`` puts curves and answers
beside one another.
"""

from guerdon.interfaces.comparing.arms import Arm, differences, gather
from guerdon.interfaces.comparing.comparison import Comparison, compare
from guerdon.interfaces.comparing.page import write

__all__ = ["Arm", "Comparison", "compare", "differences", "gather", "write"]
