"""Turn mean log-ratio: what a dialogue is worth is the sum of what its turns are, each the mean log-ratio of its steps, so that a long turn does not weigh more.

    advantage of turn k = beta * mean over its acted steps of (logp - ref_logp),    score = sum over the turns        [B], in units of reward

As the score of a comparison of whole dialogues it makes a critic of a policy: fitted so, its log-ratio of a single turn says how good that turn was, of which no comparison was
ever told. The critic may read more than the agent does (the task's solution in its context); the reference then reads it as well. ``segment`` says which turn a step is of; where
nobody says, a turn is what is acted without a gap, as between two messages of a person.

Source: SWEET-RL, Zhou et al. 2025, arXiv 2503.15478, section 4.2: the advantage of a turn and the Bradley-Terry loss over the sums of two dialogues; ``beta`` 0.1: its
script. Its code (a fork of OpenRLHF, ``dpo_trainer.py``, ``mean_log_prob``) divides the sum over the whole dialogue by all its tokens (``MeanLogRatio``), and only a turn that is
judged by itself, at the end, by its own; the paper's is computed here.
Differs from MeanLogRatio: the mean is over each turn, and their sum counts.
"""

from dataclasses import dataclass

import torch

from guerdon.losses.scores.mean_log_ratio import MeanLogRatio
from guerdon.quantities import BT, B, Mask, Segment
from guerdon.steps import clean
from guerdon.witness import Limit, Witness


@dataclass(frozen=True)
class TurnMeanLogRatio:
    beta: float = 0.1

    def __call__(self, logp: BT, ref_logp: BT, mask: Mask, segment: Segment | None = None) -> B:
        before = torch.nn.functional.pad(mask, (1, 0))[:, :-1]
        turns = (mask & ~before).long().cumsum(-1) if segment is None else torch.unique(segment, return_inverse=True)[1]
        count = int(turns.max()) + 1 if turns.numel() else 1
        ratio = clean(logp - ref_logp.detach(), mask)
        zeros = ratio.new_zeros(len(ratio), count)
        return self.beta * (zeros.scatter_add(1, turns, ratio) / zeros.scatter_add(1, turns, mask.to(ratio)).clamp(min=1)).sum(-1)


witness = (
    Witness(  # ratios 1, 3 | - | 2: means 2 and 2
        TurnMeanLogRatio(beta=0.5),
        parent=MeanLogRatio(beta=0.5),
        given={
            "logp": [[-1.0, -1.0, 9.0, -1.0]],
            "ref_logp": [[-2.0, -4.0, 5.0, -3.0]],
            "segment": [[0, 0, 0, 1]],
            "mask": [[1, 1, 0, 1]],
        },
        returns=[2.0],
        gradient={"logp": [[0.25, 0.25, 0.0, 0.5]], "ref_logp": None},
    ),
    Witness(  # ratios 1 | 2, 4: means 1 and 3, by the gap
        TurnMeanLogRatio(beta=0.5),
        parent=MeanLogRatio(beta=0.5),
        given={"logp": [[-1.0, 9.0, -1.0, -1.0]], "ref_logp": [[-2.0, 5.0, -3.0, -5.0]], "mask": [[1, 0, 1, 1]]},
        returns=[2.0],
        gradient={"logp": [[0.5, 0.0, 0.25, 0.25]], "ref_logp": None},
    ),
)


def _one_turn(inputs: dict) -> dict:
    return inputs | {"segment": torch.zeros_like(inputs["mask"], dtype=torch.long)}


limits = (Limit(TurnMeanLogRatio(beta=0.1), equals=MeanLogRatio(beta=0.1), when="a dialogue is one turn", under=_one_turn),)
