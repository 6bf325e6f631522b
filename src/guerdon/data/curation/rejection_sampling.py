"""Rejection sampling: the best of what was sampled is what is learned next.

    kept = the ``keep`` completions with the highest scores among those with score >= threshold        rows {prompt, completion, score}

Completions that were not scored (None, NaN) are never kept; of equal scores the first counts.

Source: RAFT, arXiv 2304.06767 (``keep`` 1: the best of each prompt's samples). With ``threshold`` and ``keep`` None: every sample
that is good enough, as in rejection-sampling fine-tuning, arXiv 2308.01825, and STaR, arXiv 2203.14465 (every right one).
Differs from BestWorstPairs: what lost is thrown away instead of being compared with.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from guerdon.data.curation._scored import candidates, rest
from guerdon.data.curation.best_worst_pairs import BestWorstPairs
from guerdon.thresholds import reaches
from guerdon.witness import Witness


@dataclass(frozen=True)
class RejectionSampling:
    keep: int | None = 1
    threshold: float | None = None

    def __call__(self, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        kept = []
        for row in rows:
            ranked = sorted(candidates(row), key=lambda c: -c[0])[: self.keep]
            good = [(s, c) for s, c in ranked if self.threshold is None or reaches(s, self.threshold)]
            kept += [{**rest(row), "completion": c, "score": s} for s, c in good]
        return kept


_rows = [
    {"prompt": "p", "completions": ["a", "b", "c"], "scores": [0.5, 1.0, 1.0]},
    {"prompt": "q", "completions": ["a", "b"], "scores": [0.0, None]},
]
_pb, _pc = ({"prompt": "p", "completion": c, "score": 1.0} for c in "bc")
_qa = {"prompt": "q", "completion": "a", "score": 0.0}
witness = (
    Witness(RejectionSampling(), parent=BestWorstPairs(), given={"rows": _rows}, returns=[_pb, _qa]),
    Witness(RejectionSampling(keep=2), parent=RejectionSampling(), given={"rows": _rows}, returns=[_pb, _pc, _qa]),
    Witness(RejectionSampling(keep=None, threshold=1.0), parent=RejectionSampling(), given={"rows": _rows}, returns=[_pb, _pc]),
)
