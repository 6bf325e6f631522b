"""Best until: draw a few answers at a time, and stop as soon as one of them is good enough.

    rounds of ``n`` answers, at most ``rounds``; the search of a prompt ends with the round in which the best score so far reaches ``threshold``
    kept = the best of all that were drawn

P prompts → P sequences, one for each prompt in their order. The quantity ``accepted`` says whether the threshold was reached: what is not accepted is the best of
``n`` * ``rounds`` answers and may be held back. ``score`` and ``drawn_tokens`` are recorded as by StepBeam; of equal scores the first drawn is kept, and NaN comes last.

The threshold is in units of the score. A reward that is measured from "none is good enough" (``exact.likelihoods.outside_option``) has its zero there.

Source: "best of mini-N in-loop", arXiv 2510.04087. ``n`` 4 and ``rounds`` 4: ours.
Differs from BestOfN: easy prompts cost less, and it says where nothing was good enough; with one round they keep the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import ClassVar

import torch
from torch import Tensor

from guerdon.acting.engines import Engine
from guerdon.acting.samplers import Score
from guerdon.acting.samplers.best_of_n import BestOfN, _sum
from guerdon.errors import InputError
from guerdon.models import Policy
from guerdon.models.finite._scripted import Scripted
from guerdon.randomness import generator
from guerdon.sequences import Decoding, Sequences, concatenate
from guerdon.witness import Witness


@dataclass(frozen=True)
class BestUntil:
    records: ClassVar[frozenset[str]] = frozenset({"score", "accepted", "drawn_tokens"})
    looks: ClassVar[bool] = True

    threshold: float
    n: int = 4
    rounds: int = 4
    engine: Engine | None = None

    def __post_init__(self) -> None:
        if min(self.n, self.rounds) < 1:
            raise InputError(f"sampler: best_until draws n answers of 1 or more, in 1 round or more, not {self}")

    def __call__(self, policy: Policy, contexts: Sequence[Tensor], decoding: Decoding, seed: int, score: Score) -> Sequences:
        draw = policy.sample if self.engine is None else partial(self.engine, policy)
        parts: list[Sequences] = []
        tokens = torch.zeros(len(contexts), dtype=torch.float64)
        score_of, row_of = torch.full((len(contexts),), -torch.inf, dtype=torch.float64), torch.zeros(len(contexts), dtype=torch.long)
        going = torch.arange(len(contexts))
        for number in range(self.rounds):
            uniforms = torch.rand(len(contexts), self.n, decoding.max_completion_length, generator=generator(seed, "round", number))
            which = going.repeat_interleave(self.n)
            drawn = draw(list(contexts), which, decoding, uniforms[going].flatten(0, 1))
            scores = score(drawn).detach().double()
            if tuple(scores.shape) != (len(drawn),):
                raise InputError(f"the score gave shape {tuple(scores.shape)} for {len(drawn)} sequences: return one number for each")
            tokens.index_add_(0, which, drawn.length.double())
            best = torch.where(scores.isnan(), -torch.inf, scores).view(-1, self.n).max(-1)
            rows = sum(map(len, parts)) + torch.arange(len(going)) * self.n + best.indices
            better = (best.values > score_of[going]) | torch.tensor(number == 0)
            score_of[going[better]], row_of[going[better]] = best.values[better], rows[better]
            parts.append(replace(drawn, quantities={name: drawn.quantities[name] for name in ("old_logp", "terminated")}))
            going = (score_of < self.threshold).nonzero().flatten()
            if not len(going):
                break
        found = concatenate(parts)
        kept = replace(found, contexts=list(contexts), context=found.context % len(contexts)).select(row_of)
        return kept.with_quantities(score=score_of, accepted=(score_of >= self.threshold).double(), drawn_tokens=tokens)


_given = {  # two answers at a time
    "policy": Scripted((((1,), (2, 2)), ((3,), (5,)))),
    "contexts": [torch.tensor([0]), torch.tensor([1])],
    "decoding": Decoding(max_completion_length=2),
    "seed": 0,
    "score": _sum,
}
witness = (
    Witness(  # 4 is not enough, in two rounds; 5 is, in the first
        BestUntil(5.0, n=2, rounds=2),
        parent=BestOfN(n=2),
        given=_given,
        returns={"context": [0, 1], "actions": [[2, 2], [5, 0]], "score": [4.0, 5.0], "accepted": [0.0, 1.0], "drawn_tokens": [6.0, 2.0]},
    ),
    Witness(
        BestUntil(4.0, n=2, rounds=2),
        parent=BestUntil(5.0, n=2, rounds=2),
        given=_given,
        returns={"actions": [[2, 2], [5, 0]], "accepted": [1.0, 1.0], "drawn_tokens": [3.0, 2.0]},
    ),
)
