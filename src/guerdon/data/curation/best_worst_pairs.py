"""Best and worst: of all that answers a prompt, the best is preferred to the worst.

    chosen = argmax score, rejected = argmin score        where  max - min > margin        one row per prompt, or none

Completions that were not scored (None, NaN) take no part; of equal scores the first counts. The scores of the two come along as
``score_chosen`` and ``score_rejected``.

Source: Self-Rewarding Language Models, arXiv 2401.10020, section 2 (highest against lowest of N, equal scores discarded); of eight
samples in RLHF Workflow, arXiv 2405.07863. ``margin`` 0 drops only ties, as there.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from guerdon.data.curation._scored import candidates, rest
from guerdon.witness import Witness


@dataclass(frozen=True)
class BestWorstPairs:
    margin: float = 0.0

    def __call__(self, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        pairs = []
        for row in rows:
            scored = candidates(row)
            if not scored:
                continue
            (high, chosen), (low, rejected) = max(scored, key=lambda c: c[0]), min(scored, key=lambda c: c[0])
            if high - low > self.margin:
                pairs.append({**rest(row), "chosen": chosen, "rejected": rejected, "score_chosen": high, "score_rejected": low})
        return pairs


_rows = [
    {"prompt": "p", "completions": ["a", "b", "c", "d"], "scores": [1.0, 3.0, 0.0, None]},
    {"prompt": "q", "completions": ["a", "b"], "scores": [2.0, 2.0]},
    {"prompt": "r", "completions": ["a", "b"], "scores": [2.0, 2.5]},
]
_p = {"prompt": "p", "chosen": "b", "rejected": "c", "score_chosen": 3.0, "score_rejected": 0.0}
_r = {"prompt": "r", "chosen": "b", "rejected": "a", "score_chosen": 2.5, "score_rejected": 2.0}
witness = (
    Witness(BestWorstPairs(), given={"rows": _rows}, returns=[_p, _r]),
    Witness(BestWorstPairs(margin=0.5), parent=BestWorstPairs(), given={"rows": _rows}, returns=[_p]),
)
