"""Statistical rejection: of what the reference has drawn, accept so that what is kept is as if the KL-regularised optimum had drawn it.

    in rounds, over the distinct completions not yet accepted: accept each with the probability exp((score - best) / beta), best the highest score among them when the round begins,
    until ``keep`` are accepted or none is left        scored rows → scored rows, completions in the order in which they were accepted

The first acceptance has the law reference * exp(score / beta) / Z as candidates become many; later ones are without replacement. ``beta``
towards 0: the ``keep`` highest scores; towards infinity: all alike. A completion that occurs several times is one candidate, with its last
score, as in the source; unscored ones (None, NaN) take no part. Pairs are made of what is left: ``Tournament``, ``BestWorstPairs``.

Source: RSO, arXiv 2309.06657, algorithm 1 and eq. 14; ``keep`` 8 of 64 and ``beta`` 0.5: its section 5.
Differs from RejectionSampling: by chance, in proportion to the tilted reference, instead of the best. What ``seed`` draws depends on the
row's place.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from guerdon.data.curation._scored import candidates, rest
from guerdon.data.curation.rejection_sampling import RejectionSampling
from guerdon.errors import InputError
from guerdon.randomness import generator
from guerdon.witness import Witness


@dataclass(frozen=True)
class StatisticalRejection:
    keep: int = 8
    beta: float = 0.5
    seed: int = 0

    def __post_init__(self) -> None:
        if self.beta <= 0:
            raise InputError(
                f"statistical_rejection needs a beta above 0, not {self.beta}; for the highest scores alone use rejection_sampling"
            )

    def __call__(self, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        return [self._kept(row, place) for place, row in enumerate(rows)]

    def _kept(self, row: Mapping[str, Any], place: int) -> dict[str, Any]:
        left = list({json.dumps(completion, sort_keys=True): (score, completion) for score, completion in candidates(row)}.values())
        rng, accepted = generator(self.seed, "statistical rejection", place), []
        while left and len(accepted) < self.keep:
            scores = torch.tensor([score for score, _ in left], dtype=torch.float64)
            take = torch.rand(len(left), dtype=torch.float64, generator=rng) < ((scores - scores.max()) / self.beta).exp()
            accepted += [candidate for candidate, taken in zip(left, take.tolist(), strict=True) if taken]
            left = [candidate for candidate, taken in zip(left, take.tolist(), strict=True) if not taken]
        kept = accepted[: self.keep]
        return {**rest(row), "completions": [completion for _, completion in kept], "scores": [score for score, _ in kept]}


_row = {"prompt": "p", "completions": ["a", "b", "b", "c", "d"], "scores": [0.0, 3.0, 3.0, 1.0, None]}


def _kept(*completions: str) -> list[dict[str, Any]]:
    scores = {"a": 0.0, "b": 3.0, "c": 1.0}
    return [{"prompt": "p", "completions": list(completions), "scores": [scores[c] for c in completions]}]


witness = (
    Witness(  # cold: the best, then the best of what is left
        StatisticalRejection(keep=2, beta=1e-3), parent=RejectionSampling(keep=2), given={"rows": [_row]}, returns=_kept("b", "c")
    ),
    Witness(  # hot: all are accepted, in their order
        StatisticalRejection(keep=2, beta=1e9),
        parent=StatisticalRejection(keep=2, beta=1e-3),
        given={"rows": [_row]},
        returns=_kept("a", "b"),
    ),
    Witness(  # until none is left
        StatisticalRejection(beta=1e-3),
        parent=StatisticalRejection(keep=2, beta=1e-3),
        given={"rows": [_row]},
        returns=_kept("b", "c", "a"),
    ),
)
