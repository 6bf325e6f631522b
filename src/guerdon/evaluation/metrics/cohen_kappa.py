"""Cohen's kappa: how often two say the same of an item, beyond what they would by chance.

    kappa = (p_same - p_chance) / (1 - p_chance),    p_chance = sum over answers of share in first * share in second        a number up to 1; nan where p_chance is 1

``first``, ``second`` [N]: labels of any kind.

Source: Cohen 1960, A Coefficient of Agreement for Nominal Scales; of a reward model's choices in two languages, M-RewardBench, arXiv 2410.15522.
Differs from KrippendorffAlpha: exactly two, each with a distribution of its own.
"""

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np

from guerdon.errors import InputError
from guerdon.evaluation.metrics.accuracy import Accuracy
from guerdon.witness import Witness


@dataclass(frozen=True)
class CohenKappa:
    def __call__(self, first: Sequence[Hashable], second: Sequence[Hashable]) -> np.ndarray:
        a, b = list(first), list(second)
        if not a or len(a) != len(b):
            raise InputError(f"kappa takes two answers to each item, not {len(a)} and {len(b)}")
        same = sum(x == y for x, y in zip(a, b, strict=True)) / len(a)
        one, other = Counter(a), Counter(b)
        chance = sum(one[answer] * other[answer] for answer in one) / len(a) ** 2
        return np.asarray((same - chance) / (1 - chance) if chance < 1 else np.nan)


witness = Witness(  # alike on 3 of 4; one says yes on 1/2, the other on 1/4: chance is 1/2
    CohenKappa(), given={"first": [1, 1, 0, 0], "second": [1, 0, 0, 0]}, returns=0.5, parent=Accuracy()
)
