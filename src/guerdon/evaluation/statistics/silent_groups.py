"""Silent groups: the share of groups of ``size`` answers in which all are right or none is, of which a group-centred method learns nothing.

    E[rate^size + (1 - rate)^size] over the rates that the counts tell of (``evaluation.success_rates``)

``successes``: [P], right answers; ``samples``: a number or [P], answers to each prompt. ``size`` may be larger than ``samples``.
Source: the beta-binomial of Skellam 1948 (J. R. Stat. Soc. B 10), with shares of zeros and of ones beside it; nobody's use of it for groups is known to us.
Differs from the share of prompts whose own answers were all alike, which is that of groups of ``samples`` and moves with them. ``size`` 8: that of ``Group``.
"""

from dataclasses import dataclass

from guerdon.errors import InputError
from guerdon.evaluation.statistics import Estimate
from guerdon.evaluation.success_rates import success_rates
from guerdon.witness import Witness


@dataclass(frozen=True)
class SilentGroups:
    size: int = 8
    confidence: float = 0.95

    def __call__(self, successes, samples) -> Estimate:
        if self.size < 1:
            raise InputError("a group has at least one answer; raise size")
        return success_rates(successes, samples, self.confidence).silent(self.size)


# A single answer is alike to itself, whatever is known.
witness = Witness(SilentGroups(size=1), given={"successes": [1, 2], "samples": 4}, returns=(1.0, 1.0, 1.0), parent=SilentGroups())
