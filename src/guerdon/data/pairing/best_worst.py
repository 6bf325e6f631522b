"""Best and worst: of the answers to a prompt, that with the highest reward and that with the lowest.

One question a prompt; none where all rewards are the same. Of equal rewards the first drawn counts.

Source: RLHF Workflow, arXiv 2405.07863; Self-Rewarding Language Models, arXiv 2401.10020, section 2.
Differs from Consecutive: the reward chooses what is compared, and the rest is dropped. ``data.curation.best_worst_pairs`` does the same with rows.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from guerdon.data.pairing.consecutive import Consecutive
from guerdon.quantities import B, Group
from guerdon.witness import Witness


@dataclass(frozen=True)
class BestWorst:
    def __call__(self, reward: B, group: Group) -> Tensor:
        pairs = []
        for g in torch.unique(group):
            rows = (group == g).nonzero().squeeze(-1)
            best, worst = rows[reward[rows].argmax()], rows[reward[rows].argmin()]
            if reward[best] > reward[worst]:
                pairs.append(torch.stack([best, worst]))
        return torch.stack(pairs) if pairs else torch.zeros(0, 2, dtype=torch.long)


_t = torch.tensor
witness = Witness(
    BestWorst(),
    parent=Consecutive(),
    given={"reward": _t([1.0, 0.0, 3.0, 0.0, 5.0, 5.0]), "group": _t([0, 0, 0, 0, 1, 1])},
    returns=[[2, 1]],
)
