"""Certified contrast: an answer that a rule accepts, against the same answer made wrong.

    {prompt, completions, scores} -> {prompt, chosen: an accepted completion, rejected: edit(chosen)}        accepted: score >= threshold

A rule that is seldom wrong when it accepts, and often when it does not, certifies the first half; the second is wrong by how it was made, and alike
in all else. ``edit`` is one of ``evaluation.edits`` that matters (a changed number; an assistant that rewrites). One pair for a row, of an accepted
completion that is drawn by ``seed``; a row without one, or whose edit does not apply, gives none.

Source: Cooper, Hong et al. 2025, arXiv 2508.05613: positives that a rule verifier accepts, negatives that an assistant model makes wrong, for a
reward model that is trained on between the steps of the policy; abstract and summaries were read.
Differs from BestWorstPairs: the rule's refusals are not believed, and the negative is no other answer.
"""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from guerdon.data.curation._scored import candidates, rest
from guerdon.data.curation.best_worst_pairs import BestWorstPairs
from guerdon.evaluation.edits.changed_number import ChangedNumber
from guerdon.randomness import derive
from guerdon.witness import Witness


@dataclass(frozen=True)
class CertifiedContrast:
    edit: Callable[..., Sequence[Any]] = ChangedNumber()
    threshold: float = 0.5
    seed: int = 0

    def __call__(self, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        accepted = []
        for place, row in enumerate(rows):
            good = [completion for score, completion in candidates(row) if score >= self.threshold]
            if good:
                draw = random.Random(derive(self.seed, "certified contrast", place))
                accepted.append((row, draw.choice(good)))
        wrong = self.edit(answers=[completion for _, completion in accepted])
        pairs = zip(accepted, wrong, strict=True)
        return [{**rest(row), "chosen": chosen, "rejected": other} for (row, chosen), other in pairs if other is not None]


witness = Witness(
    CertifiedContrast(),
    parent=BestWorstPairs(),
    given={
        "rows": [
            {"prompt": "p", "completions": ["so 9", "no idea"], "scores": [1.0, 0.0]},
            {"prompt": "q", "completions": ["7", "8"], "scores": [0.0, 0.0]},
            {"prompt": "r", "completions": ["none", "5"], "scores": [1.0, 0.0]},
        ]
    },
    returns=[{"prompt": "p", "chosen": "so 9", "rejected": "so 0"}],
)
