"""Gap-tempered: Plackett-Luce in which what is much worse is pushed away harder than what is nearly as good.

    loss[k] = log(exp(g_k score_k) + sum over candidates i not better than k of exp((r_k - r_i) score_i)) - g_k score_k        [B], nats; 0 for the last of a group
    g_k = max over these i of (r_k - r_i)

r is ``reward``. The gaps are inverse temperatures, so the unit of the reward is a knob: rewards that are twice as far apart are the same as scores of twice the size. A
candidate that is as good as k has the weight exp(0) whatever its score, so it is not pushed at all. Of equal rewards the one that comes first is taken first.

Source: PRO, arXiv 2306.17492, section "differentiated contrast" (temperatures 1 / (r_k - r_i), the smallest of them for the better one), and its authors' code
(DAMO-ConvAI, ``PRO/train/utils/process_manager.py``), there with mean log-probabilities as scores and the raw scores of a reward model.
Differs from PlackettLuce: reads how much better, not only in which order.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from guerdon.losses.rankings._groups import group_by_group
from guerdon.losses.rankings.plackett_luce import PlackettLuce
from guerdon.quantities import B, Group
from guerdon.witness import Limit, Witness


@dataclass(frozen=True)
class GapTempered:
    per_group: ClassVar[bool] = True

    def __call__(self, score: B, reward: B, group: Group) -> B:
        return group_by_group(_of_ranked, score, reward, group)


def _of_ranked(score: Tensor, reward: Tensor) -> Tensor:
    """The losses of one group, the best first."""
    behind = torch.ones(len(score), len(score), dtype=torch.bool, device=score.device).triu(1)  # [k, i]: i comes after k
    gap = torch.where(behind, reward.unsqueeze(-1) - reward, 0.0)
    own = gap.amax(-1) * score
    others = torch.where(behind, gap * score, -torch.inf)
    return torch.cat([own.unsqueeze(-1), others], -1).logsumexp(-1) - own


LN2 = 0.6931471805599453
# The best is ahead by 2 and by 1, so its own weight is exp(2 * 0) = 1; the others' are exp(2 ln 2) = 4 and exp(1 * ln 3) = 3. Of the last two the gap is -1 + 2 = 1.
witness = Witness(
    GapTempered(),
    parent=PlackettLuce(),
    given={"score": [LN2, 0.0, 1.0986122886681098, 5.0], "reward": [0.0, 2.0, 1.0, 7.0], "group": [0, 0, 0, 1]},
    returns=[0.0, 3 * LN2, 0.5108256237659907, 0.0],  # ln 8, ln (5 / 3)
    gradient={"score": [1.0 + 0.4, -1.75, 0.375 - 0.4, 0.0]},
)


def _one_apart(inputs: dict) -> dict:
    """Pairs in which one is better by 1."""
    return inputs | {"reward": torch.arange(len(inputs["reward"])).double() % 2}


limits = (Limit(GapTempered(), equals=PlackettLuce(), when="a group has two candidates, one apart", under=_one_apart),)
