"""Visits: of two steps that a search tried, the better one is surer the more of the tries went to it.

    p = max(visits_chosen / (visits_chosen + visits_rejected), 1/2)        [N], columns of these names; at least one visit each is counted

A search goes where it finds worth: a step that is better but was tried less than the worse one has hardly been looked at, and nothing is learned from the pair beyond staying even.

Source: MCTS-DPO, arXiv 2405.00451, whose label smoothing is 1 - p; its authors' code (``calculate_preference_confidence``, and at most 1/2 of smoothing in
``algorithms/mcts/trainer.py``).
Differs from Noisy: how sure a label is is known pair by pair. Differs from Soft: by counts, and never against the label.
"""

from dataclasses import dataclass

from guerdon.losses.labels.soft import Soft
from guerdon.quantities import N
from guerdon.witness import Witness


@dataclass(frozen=True)
class Visits:
    def __call__(self, visits_chosen: N, visits_rejected: N) -> N:
        chosen, rejected = visits_chosen.clamp(min=1), visits_rejected.clamp(min=1)
        return (chosen / (chosen + rejected)).clamp(min=0.5)


witness = Witness(  # three of four, one of four, and one that was never gone back to
    Visits(),
    parent=Soft(),
    given={"visits_chosen": [3.0, 1.0, 4.0], "visits_rejected": [1.0, 3.0, 0.0], "preference": [0.75, 0.25, 1.0]},
    returns=[0.75, 0.5, 0.8],
)
