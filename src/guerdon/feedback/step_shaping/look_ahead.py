"""Look ahead: what is said of a step is moved towards what is said of the steps after it, as far as these go on gaining.

    value_k = score_k + rate * (ahead_k - score_k)        [B, T], in units of the score
    ahead_k = value_(k+1)    where score_(k+1) - score_k >= gain
              score_(k+1)    elsewhere: nothing is looked at beyond;        the last step keeps its score

Little can be said of an early step, and more of those that come of it. The steps after it may be drawn for that purpose and dropped again.

Source: ReARTeR, Sun et al. 2025, arXiv 2501.07861, and its authors' code (``active_pipeline.py``, ``update_values``: log-odds, ``rate`` 0.5, ``gain`` 0.05): V(s_t) moves towards
V(s_(t+1)) by temporal difference, from the end of what was looked at to the start.
Differs from ``progress``: a level and not a change.
"""

from dataclasses import dataclass

import torch

from guerdon.errors import InputError
from guerdon.feedback.step_shaping.only_penalties import _given
from guerdon.feedback.step_shaping.progress import Progress
from guerdon.quantities import BT, Mask
from guerdon.steps import along_steps, clean
from guerdon.witness import Witness


@dataclass(frozen=True)
class LookAhead:
    rate: float = 0.5
    gain: float = 0.05

    def __post_init__(self) -> None:
        if not 0 <= self.rate <= 1:
            raise InputError(f"look_ahead: rate is {self.rate:g}; give a share from 0 (no look ahead) to 1")

    def __call__(self, step_score: BT, mask: Mask) -> BT:
        score = clean(step_score, mask)
        following, value, last = torch.zeros_like(score.sum(-1)), torch.zeros_like(score.sum(-1)), mask.new_ones(len(score))
        out = []
        for t in reversed(range(mask.shape[1])):
            ahead = torch.where(following - score[:, t] >= self.gain, value, following)
            now = torch.where(last, score[:, t], score[:, t] + self.rate * (ahead - score[:, t]))
            out.append(now)
            following, value = torch.where(mask[:, t], score[:, t], following), torch.where(mask[:, t], now, value)
            last = last & ~mask[:, t]
        return clean(along_steps(out[::-1], mask), mask)


witness = (  # of 0.25, 0.75 and 0.5: 0.75 falls to 0.5, by a half; 0.25 gains, so it goes half the way to 0.625
    Witness(LookAhead(), parent=Progress(), given=_given, returns=[[0.4375, 0.0, 0.625, 0.5]]),
    Witness(LookAhead(rate=1.0), parent=LookAhead(), given=_given, returns=[[0.5, 0.0, 0.5, 0.5]]),
    Witness(LookAhead(gain=0.6), parent=LookAhead(), given=_given, returns=[[0.5, 0.0, 0.625, 0.5]]),
)
