"""Pointwise: a verdict on one sequence is a score, a loss of verdicts, and a point from which the score counts.

    loss = verdict(score(sequence) - z, label)        [B]

z is what ``reference_point`` says (``losses.reference_points``; None: 0), a constant, in units of the score.

``Pointwise(LogRatio(0.1), Prospect(), MismatchedKL())`` is KTO, ``Pointwise(LogRatio(0.1), CrossEntropy(), BatchMean())`` is BCO. Data are plain sequences with a
column ``label``: rows of the unpaired format.

A reference point is one number of the whole batch. ``settle`` puts it in before the batch is split, so that nothing but it depends on all of the batch.

Source: the composition is ours; KTO, arXiv 2402.01306, eq. 7, is the instance that the witness shows.
Differs from Pairwise: each sequence has a verdict of its own and meets no other.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from torch import Tensor

from guerdon.losses._scored import as_seen, names_of
from guerdon.losses.comparisons.logistic import LN3
from guerdon.losses.reference_points import ReferencePoint
from guerdon.losses.reference_points.batch_mean import BatchMean
from guerdon.losses.reference_points.fixed import Fixed
from guerdon.losses.reference_points.mismatched_kl import MismatchedKL
from guerdon.losses.scores import Score
from guerdon.losses.scores.head import Head
from guerdon.losses.scores.log_ratio import LogRatio
from guerdon.losses.verdicts import VerdictLoss
from guerdon.losses.verdicts.cross_entropy import CrossEntropy
from guerdon.losses.verdicts.prospect import Prospect
from guerdon.parts import Part, call, needs, per_batch, wants
from guerdon.quantities import B, Name, seen_by
from guerdon.witness import Limit, Witness


@dataclass(frozen=True)
class Pointwise:
    per_item: ClassVar[bool] = True  # a loss per sequence, not per step

    score: Score
    verdict: VerdictLoss
    reference_point: ReferencePoint | None = None

    def needs(self) -> frozenset[str]:
        return self._names(needs)

    def wants(self) -> frozenset[str]:
        return self._names(wants)

    def _names(self, of: Callable[[Part], frozenset[str]]) -> frozenset[str]:
        parts = [part for part in (self.verdict, self.reference_point) if part is not None]
        return self._read_by_scores(of, {"", *self._views}) | {n for part in parts for n in of(part) if not _is_score(n)}

    def _read_by_scores(self, of: Callable[[Part], frozenset[str]], views: Iterable[str]) -> frozenset[str]:
        return frozenset(seen_by(view, name) for view in views for name in of(self.score))

    @property
    def _views(self) -> list[str]:
        """The views whose scores the reference point reads; "" is the model itself."""
        read = frozenset() if self.reference_point is None else names_of(self.reference_point)
        return sorted({Name.parse(name).view for name in read if _is_score(name)})

    def _scored(self, quantities: Mapping[str, Tensor], views: Iterable[str]) -> dict[str, B]:
        return {str(Name("score", view=v)): call(self.score, as_seen(v, quantities, names_of(self.score))) for v in views}

    def _from(self, quantities: Mapping[str, Tensor]) -> B:
        return call(self.reference_point, {**quantities, **self._scored(quantities, self._views)}).detach()

    def scores(self, quantities: Mapping[str, Tensor]) -> dict[str, B]:
        """The score of each sequence, and the point from which it counts."""
        found = self._scored(quantities, [""])
        return found | {"reference_point": torch.zeros_like(found["score"]) if self.reference_point is None else self._from(quantities)}

    def settle(self, measure: Callable[[frozenset[str]], Mapping[str, Tensor]]) -> "Pointwise":
        """The same loss with the reference point of a batch put in as a number. ``measure``: names → the tensors of the whole batch, without gradients."""
        if self.reference_point is None or not per_batch(self.reference_point):
            return self
        read = {name for name in names_of(self.reference_point) if not _is_score(name)}
        quantities = measure(self._read_by_scores(names_of, self._views) | read)
        return replace(self, reference_point=Fixed(float(self._from(quantities)[0])))

    def __call__(self, **quantities: Tensor) -> B:
        scores = self.scores(quantities)
        return call(self.verdict, {**quantities, "score": scores["score"] - scores["reference_point"]})


def _is_score(name: str) -> bool:
    return Name.parse(name).quantity == "score"


_two = {  # log-ratios of ln 3 and 0, of which the first is good and the second bad; in answer to the other prompt, of 2 ln 3 and 0
    "logp": [[-1.0], [-1.0]],
    "ref_logp": [[-1.0 - LN3], [-1.0]],
    "mismatched_logp": [[-1.0], [-1.0]],
    "mismatched_ref_logp": [[-1.0 - 2 * LN3], [-1.0]],
    "mask": [[1], [1]],
    "label": [1.0, 0.0],
}
_plain = Pointwise(LogRatio(beta=1.0), Prospect())
witness = (
    Witness(  # the reference point is ln 3: 0 and -ln 3 are left
        Pointwise(LogRatio(beta=1.0), Prospect(), MismatchedKL()),
        parent=_plain,
        given=_two,
        returns=[0.5, 0.25],
        gradient={"logp": [[-0.25], [0.1875]], "ref_logp": None, "mismatched_logp": None, "mismatched_ref_logp": None},
    ),
    Witness(  # the reference point is ln 3 / 2
        Pointwise(LogRatio(beta=2.0), CrossEntropy(), BatchMean()),
        parent=Pointwise(LogRatio(beta=2.0), CrossEntropy()),
        given={**_two, "ref_logp": [[-1.0 - LN3], [-1.0]]},
        returns=[2 * 0.6931471805599453 - LN3] * 2,
        gradient={"logp": [[-0.5], [0.5]], "ref_logp": None},
    ),
)


def _at_the_reference(inputs: dict) -> dict:
    """The policy is still the reference."""
    return inputs | {f"{view}logp": inputs[f"{view}ref_logp"].clone() for view in ("", "mismatched_") if f"{view}ref_logp" in inputs}


limits = (
    Limit(Pointwise(Head(), CrossEntropy()), equals=CrossEntropy(), when="the score is a head's: an outcome reward model"),
    Limit(
        Pointwise(LogRatio(), Prospect(), MismatchedKL()),
        equals=Pointwise(LogRatio(), Prospect()),
        when="the policy is still the reference",
        under=_at_the_reference,
    ),
)
