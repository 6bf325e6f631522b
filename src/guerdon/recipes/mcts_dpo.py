"""MCTS-DPO: DPO on pairs of steps that a tree search found, each as sure as the search's visits say.

Pairs are siblings in a tree (``data.curation.sibling_pairs``, of trees that the sampler ``tree_search`` has grown), with the columns ``visits_chosen`` and ``visits_rejected``. The
method goes round: the policy that was learned grows the next trees, and is held to the start all the while.

Source: MCTS-DPO, arXiv 2405.00451, and its authors' code (``scripts/mcts_mathqa.sh``): ``beta`` 0.1 (``scale_coeff``), learning rate 1e-6; the label's certainty by visits is there
``--conservative``.
Differs from conservative DPO: how sure a label is is known pair by pair.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from guerdon.losses.comparisons.logistic import Logistic
from guerdon.losses.labels.visits import Visits
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.scores.log_ratio import LogRatio
from guerdon.targets import Target
from guerdon.targets.offline import Pairs, Rows
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term

recipe = Recipe((Term(Pairwise(LogRatio(beta=0.1), Logistic(), label=Visits())),), AdamW(learning_rate=1e-6))


@dataclass(frozen=True)
class Searched(Pairs):
    """Pairs of a search, of which two were tried more on the wrong side, or as much."""

    @property
    def columns(self) -> dict[str, Tensor]:
        visits = {"visits_chosen": [5.0, 1.0, 4.0, 2.0, 7.0, 3.0], "visits_rejected": [1.0, 3.0, 2.0, 2.0, 1.0, 1.0]}
        return {name: torch.tensor(values, dtype=torch.float64) for name, values in visits.items()}


def _objective(d: Rows) -> Tensor:
    lead, wrong = 0.1 * (d.chosen.ratio - d.rejected.ratio), torch.tensor([1 / 6, 1 / 2, 1 / 3, 1 / 2, 1 / 8, 1 / 4], dtype=torch.float64)
    return (-(1 - wrong) * logsigmoid(lead) - wrong * logsigmoid(-lead)).mean()


target = Target(
    "DPO, with each verdict taken to be wrong as often as the other side was tried, at most half of the time", _objective, Searched()
)
