"""Queue baseline: how much better than the last answers, whatever they answered.

    advantage = reward - mean of the queue        the same number at each acted step; [B, T], in units of reward; the queue as it was before this batch
    queue     <- the last ``size`` rewards, first in, first out        with the state; of none the mean is 0

The order within a batch is that of its sequences, so that where a queue ends within one, that batch counts by its last.

Source: the FIFO baseline of ESRL, arXiv 2308.02223, of which the abstract could be read; ``size`` 1,024: ours.
Differs from RunningBaseline: so many rewards count alike, and those before not at all.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from guerdon.credit.advantages.running_baseline import RunningBaseline
from guerdon.errors import InputError
from guerdon.quantities import BT, B, Mask
from guerdon.steps import spread
from guerdon.witness import Witness


@dataclass(frozen=True)
class QueueBaseline:
    size: int = 1024

    def __post_init__(self) -> None:
        if self.size < 1:
            raise InputError(f"queue_baseline: size is {self.size}; the baseline is the mean of the last rewards, 1 or more")

    def init(self) -> dict[str, Tensor]:
        return {"queue": torch.zeros(0, dtype=torch.float64)}

    def __call__(self, reward: B, mask: Mask, state: dict[str, Any]) -> tuple[BT, dict[str, Tensor]]:
        queue = state["queue"].to(reward.device)[-self.size :]
        baseline = queue.mean() if len(queue) else queue.new_zeros(())
        return spread(reward - baseline.to(reward), mask), {"queue": torch.cat([queue, reward.detach().to(queue)])[-self.size :]}


_rows = {"reward": [1.0, -1.0], "mask": [[1, 1], [1, 0]]}
witness = (
    Witness(
        QueueBaseline(),
        parent=RunningBaseline(),
        given=_rows | {"state": {"queue": torch.tensor([1.0, 2.0], dtype=torch.float64)}},
        returns=[[-0.5, -0.5], [-2.5, 0.0]],
    ),
    Witness(
        QueueBaseline(size=1),
        parent=QueueBaseline(),
        given=_rows | {"state": {"queue": torch.tensor([1.0, 2.0], dtype=torch.float64)}},
        returns=[[-1.0, -1.0], [-3.0, 0.0]],
    ),
)
