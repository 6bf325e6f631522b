"""Task advantage: of several tasks those are practised more on which the last advantages were large, or about which little is known.

    gain(t)  = mean over the last ``window`` answers in task t of |reward - mean of the group| / std of the group        0 where a group's answers are all alike
    worth(t) = gain(t) + sqrt(2 log(n + 1) / (n_t + 1))               n_t answers in task t so far, n in all
    share(t) = softmax(worth / temperature),   weight = share of its task / prompts of that task        [P]

``task`` is a column that says which task a row is of: numbers or names. A mixture writes one where it is given ``column``.

Source: DUMP, Wang et al. 2025, arXiv 2504.09710: UCB over the mean absolute advantage of each distribution; the bound, ``window`` 300 and ``temperature`` 0.1 as
in its authors' code (``curriculum_learning.py``).
Differs from EasyToHard: which task is next is learned from what it teaches.
"""

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from guerdon.data.selection.easy_to_hard import EasyToHard
from guerdon.quantities import B, Group
from guerdon.steps import divided, group_mean, group_size, group_sum, root
from guerdon.witness import Witness


@dataclass(frozen=True)
class TaskAdvantage:
    window: int = 300
    temperature: float = 0.1
    column: str = "task"

    def init(self) -> dict[str, Any]:
        return {"last": {}, "count": {}}

    def __call__(self, reward: B, prompt_id: Group, size: int, state: dict[str, Any], task: Tensor) -> tuple[Tensor, dict[str, Any]]:
        last, count = dict(state["last"]), dict(state["count"])
        known = ~reward.isnan()
        if known.any():
            place = prompt_id[known]
            size_of_gain, of = _advantage(reward[known].double(), place), task[place]
            for t in torch.unique(of).tolist():
                own = size_of_gain[of == t].tolist()
                last[t], count[t] = [*last.get(t, []), *own][-self.window :], count.get(t, 0) + len(own)
        members = torch.bincount(task)
        tried = sum(count.values())
        worth = [
            sum(seen := last.get(t, [])) / max(len(seen), 1) + math.sqrt(2 * math.log(tried + 1) / (count.get(t, 0) + 1))
            for t in range(len(members))
        ]
        share = (torch.tensor(worth, dtype=torch.float64) / self.temperature).softmax(0)
        return (share / members)[task], {"last": last, "count": count}


def _advantage(reward: B, group: Group) -> B:
    centred = reward - group_mean(reward, group)
    spread = root(group_sum(centred.square(), group) / (group_size(group) - 1).clamp(min=1))
    return divided(centred.abs(), torch.where(spread > 1e-6, spread, 0.0))


# In task 0 two answers with an advantage of 1 / sqrt(2), in task 1 two with none; n = 4, so both explore by sqrt(2 log 5 / 3).
_given = {
    "reward": torch.tensor([1.0, 0.0, 1.0, 1.0]),
    "prompt_id": torch.tensor([0, 0, 1, 1]),
    "size": 3,
    "state": {"last": {}, "count": {}},
}
_alone = _given | {"task": torch.tensor([0, 1, 1])}
_seen = _alone | {
    "state": {"last": {0: [0.0, 0.0]}, "count": {0: 2}}
}  # n = 6: task 0 explores by sqrt(2 log 7 / 5), task 1 by sqrt(2 log 7 / 3)
HALF = 1 / (1 + math.exp(-math.sqrt(0.5)))
KEPT, ALL = (math.sqrt(2 * math.log(7) / 5) + x * math.sqrt(0.5) - math.sqrt(2 * math.log(7) / 3) for x in (1.0, 0.5))
witness = (
    Witness(TaskAdvantage(temperature=1.0), parent=EasyToHard(), given=_alone, returns=[HALF, (1 - HALF) / 2, (1 - HALF) / 2]),
    Witness(
        TaskAdvantage(),
        parent=TaskAdvantage(temperature=1.0),
        given=_alone,
        returns=[1 / (1 + math.exp(-10 * math.sqrt(0.5))), *[1 / (1 + math.exp(10 * math.sqrt(0.5))) / 2] * 2],
    ),
    Witness(
        TaskAdvantage(window=2, temperature=1.0),
        parent=TaskAdvantage(temperature=1.0),
        given=_seen,
        returns=[1 / (1 + math.exp(-KEPT)), *[1 / (1 + math.exp(KEPT)) / 2] * 2],
    ),
    Witness(
        TaskAdvantage(temperature=1.0),
        parent=TaskAdvantage(window=2, temperature=1.0),
        given=_seen,
        returns=[1 / (1 + math.exp(-ALL)), *[1 / (1 + math.exp(ALL)) / 2] * 2],
    ),
)
