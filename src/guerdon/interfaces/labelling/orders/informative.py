"""Informative: first the comparisons whose answers tell most about how good the models are that wrote them.

    scores of the models: Bradley-Terry with a normal prior, fitted to the comparisons so far (``exact.estimators.maximum_likelihood``; a tie is half a win for each)
    p[c, s] = sigmoid(score_s[first] - score_s[second]),  score_s ~ normal(estimate, covariance);  worth by ``data.selection.information_gain``

Which models wrote the answers stands in ``chosen_model`` and ``rejected_model``, ``model_a`` and ``model_b``, or ``generator_1`` and ``generator_2``. Defaults: a prior
precision of 1 and 256 draws: ours.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch

from guerdon.data.selection.information_gain import InformationGain
from guerdon.errors import InputError
from guerdon.exact.estimators.maximum_likelihood import MaximumLikelihood
from guerdon.exact.likelihoods.bradley_terry import BradleyTerry
from guerdon.interfaces.labelling.kinds.compare import Compare
from guerdon.randomness import generator

NAMES = (("chosen_model", "rejected_model"), ("model_a", "model_b"), ("generator_1", "generator_2"))


@dataclass(frozen=True)
class Informative:
    moves: ClassVar[bool] = True

    ridge: float = 1.0
    draws: int = 256

    def __call__(self, rows: Sequence[Any], items: Sequence[Any], answers: Mapping[int, Any], kind: Any, seed: int) -> Sequence[int]:
        names = next((pair for pair in NAMES if all(name in row for row in rows for name in pair)), None)
        if not isinstance(kind, Compare):
            raise InputError("--order informative is for comparisons (--kind compare); give another --order")
        if names is None:
            raise InputError(
                "--order informative: the rows do not say which models wrote their two answers (model_a and model_b); give another --order"
            )
        models: dict[str, int] = {}
        asked = torch.tensor([[models.setdefault(str(row[name]), len(models)) for name in names] for row in rows])
        won = [
            (i, answer, share)
            for i, said in answers.items()
            for one in said
            for answer, share in {0: [(0, 1.0)], 1: [(1, 1.0)], "tie": [(0, 0.5), (1, 0.5)]}.get(one["better"], [])
            if asked[i, 0] != asked[i, 1]
        ]
        size = len(models)
        mean, covariance = torch.zeros(size, dtype=torch.float64), torch.eye(size, dtype=torch.float64) / self.ridge
        if won:
            which, answer, count = zip(*won, strict=True)
            found = MaximumLikelihood(BradleyTerry(), ridge=self.ridge)(
                asked=asked[list(which)], answer=torch.tensor(answer), count=torch.tensor(count, dtype=torch.float64), items=size
            )
            mean, covariance = found.parameters["score"], found.covariance
        root = torch.linalg.cholesky(covariance + 1e-9 * torch.eye(size, dtype=torch.float64))
        noise = torch.randn(size, self.draws, dtype=torch.float64, generator=generator(seed, "informative"))
        score = mean.unsqueeze(-1) + root @ noise
        worth = InformationGain()((score[asked[:, 0]] - score[asked[:, 1]]).sigmoid())
        return worth.argsort(descending=True, stable=True).tolist()
