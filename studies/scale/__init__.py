"""Paper plan: what a step costs on one card and on a thousand, from measurements here, checked against what others published.

    python -m studies scale

Measured are the exchange of rollouts between processes and what every process does with all of them; constants are fitted to what ``make bench`` has left in
``benchmarks/results``; what others published is compared with what ``guerdon.costs`` says of their settings, and our own design is laid over more cards than there are here.
"""

from dataclasses import asdict
from typing import Any

from studies.scale._fitting import fitted
from studies.scale._page import page
from studies.scale._picture import draw
from studies.scale._predicting import predicted
from studies.scale._published import figures
from studies.scale._told import told

__all__ = ["draw", "measure", "page"]


def measure(small: bool) -> dict[str, Any]:
    """Everything that the page shows."""
    published = [{**asdict(one), "slower": one.slower} for one in figures(small)]
    return {"told": told((2,) if small else (2, 4), small), "fit": fitted(small), "published": published, "predicted": predicted(small)}
