"""Best of N: draw several completions of every prompt and keep the one with the highest score.

    kept(x) = argmax over k of score(y_k),   y_1 ... y_n drawn from the policy

P prompts → P sequences, one for each prompt in their order. Of equal scores the first drawn is kept; a score of NaN (does not apply) is kept only where all
are. ``old_logp`` stays that of the policy, not of the kept answer's distribution (``exact.solvers.best_of_n_distribution``). The kept score is
recorded as the quantity ``score``.

Source: Stiennon et al. 2020, arXiv 2009.01325, section 4.3; Cobbe et al. 2021, arXiv 2110.14168, section 4 (verification).
Differs from Group: only one of each group comes out, and a score is needed.
Default: ``n`` 4: ours.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from guerdon.acting.engines import Engine
from guerdon.acting.samplers import Score
from guerdon.acting.samplers.group import Group
from guerdon.errors import InputError
from guerdon.models import Policy
from guerdon.models.finite._scripted import Scripted
from guerdon.sequences import Decoding, Sequences
from guerdon.witness import Witness


@dataclass(frozen=True)
class BestOfN:
    n: int = 4
    engine: Engine | None = None

    def __call__(self, policy: Policy, contexts: Sequence[Tensor], decoding: Decoding, seed: int, score: Score) -> Sequences:
        drawn = Group(self.n, self.engine)(policy, contexts, decoding, seed)
        scores = score(drawn)
        if tuple(scores.shape) != (len(drawn),):
            raise InputError(f"the score gave shape {tuple(scores.shape)} for {len(drawn)} sequences: return one number for each")
        scores = scores.detach().double()
        ranked = scores.nan_to_num(nan=-torch.inf, posinf=torch.inf, neginf=torch.finfo(torch.float64).min)
        best = ranked.view(len(contexts), self.n).argmax(-1)
        rows = torch.arange(len(contexts)) * self.n + best
        kept = drawn.with_quantities(score=scores).select(rows)
        return kept


def _sum(sequences: Sequences) -> Tensor:
    """The sum of a sequence's actions; NaN for the sequence (9,)."""
    total = (sequences.actions * sequences.mask).sum(-1).double()
    return torch.where(total == 9, torch.nan, total)


_given = {
    "policy": Scripted((((1,), (2, 2), (4,)), ((3,), (9,), (2,)))),
    "contexts": [torch.tensor([0]), torch.tensor([1])],
    "decoding": Decoding(max_completion_length=2),
    "seed": 0,
    "score": _sum,
}
witness = (
    Witness(  # 1, 4 and 4: the first of the equal ones; 3, NaN and 2
        BestOfN(n=3),
        parent=BestOfN(n=1),
        given=_given,
        returns={"context": [0, 1], "actions": [[2, 2], [3, 0]], "length": [2, 1], "score": [4.0, 3.0]},
    ),
    Witness(  # Group gives out all of them
        BestOfN(n=1),
        parent=Group(num_generations=1),
        given=_given,
        returns={"context": [0, 1], "actions": [[1], [3]], "length": [1, 1], "score": [1.0, 3.0]},
    ),
)
