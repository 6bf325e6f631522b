"""Head: what a scalar head says of the whole sequence; with the logistic link, a Bradley-Terry reward model.

    score = score        [B], in units of reward, defined up to a constant per prompt

Source: Stiennon et al. 2020, arXiv 2009.01325, section 3.4; InstructGPT, arXiv 2203.02155, eq. 1.
Differs from LogRatio: the reward is a number of its own, not the policy's likelihood.
"""

from dataclasses import dataclass

from guerdon.losses.scores.log_ratio import LogRatio
from guerdon.quantities import B
from guerdon.witness import Witness


@dataclass(frozen=True)
class Head:
    def __call__(self, score: B) -> B:
        return score


witness = Witness(Head(), parent=LogRatio(), given={"score": [0.5, -2.0]}, returns=[0.5, -2.0], gradient={"score": [1.0, 1.0]})
