"""Stratified bootstrap: an aggregate over runs × tasks with the interval that resampling the runs of each task gives.

    a resample draws, for each task on its own, R of its R runs with replacement
    low, high = quantiles (1 -+ confidence) / 2 of ``statistic`` over ``resamples`` resamples        (the percentile interval)

Shapes: ``values``: [R, M], runs × tasks (a list: the runs of one task); ``other`` likewise for a statistic that compares two methods,
resampled on its own. The ends have the shape of the statistic. Tasks are not resampled: the interval is about these tasks.
Source: Agarwal et al. 2021, arXiv 2108.13264, section 4.1 and appendix; percentile interval and 50,000 resamples as there, of which the
default takes 2,000 (the ends then move by a few hundredths of the width). With few runs the interval is too short.
Differs from BootstrapMean: any aggregate, and a resample has every task as often as the data.
"""

from dataclasses import dataclass, field

import numpy as np

from guerdon.evaluation.statistics import Estimate
from guerdon.evaluation.statistics._scores import runs_by_tasks
from guerdon.evaluation.statistics.interquartile_mean import InterquartileMean
from guerdon.evaluation.statistics.mean import Mean
from guerdon.parts import Part
from guerdon.randomness import derive
from guerdon.witness import Witness


@dataclass(frozen=True)
class StratifiedBootstrap:
    statistic: Part = field(default_factory=InterquartileMean)
    confidence: float = 0.95
    resamples: int = 2000
    seed: int = 0

    def __call__(self, values, other=None) -> Estimate:
        scores = [runs_by_tasks(x) for x in (values, other) if x is not None]
        random = np.random.default_rng(derive(self.seed, "stratified"))
        tail = (1 - self.confidence) / 2
        low, high = np.quantile(self.statistic(*[self._resample(x, random) for x in scores]), [tail, 1 - tail], axis=0)
        return Estimate(self.statistic(*scores), low, high)

    def _resample(self, scores: np.ndarray, random: np.random.Generator) -> np.ndarray:
        """[resamples, R, M]"""
        drawn = random.integers(scores.shape[0], size=(self.resamples, *scores.shape))
        return np.take_along_axis(scores[None], drawn, axis=1)


# Two tasks with the runs {0, 1} and {10, 10}: the mean of a resample is 5, 5.25, 5.5 with probability 1/4, 1/2, 1/4, so its
# quantiles 0.2 and 0.8 are 5 and 5.5. Runs resampled across tasks would give values far from these.
_given = {"values": [[0.0, 10.0], [1.0, 10.0]]}
witness = (
    Witness(StratifiedBootstrap(Mean(), confidence=0.6), given=_given, returns=(5.25, 5.0, 5.5), parent=StratifiedBootstrap(Mean(), 0.4)),
    Witness(
        StratifiedBootstrap(confidence=0.6),
        given={"values": [[0, 9], [1, 9]]},
        returns=(5.0, 4.5, 5.0),
        parent=StratifiedBootstrap(Mean(), 0.6),
    ),
)
