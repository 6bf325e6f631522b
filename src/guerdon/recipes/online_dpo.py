"""Online DPO: DPO on pairs that the policy itself draws, compared as it goes on.

Two answers to each prompt; the one with the higher reward, or the one that ``judge`` prefers, is chosen.

Source: direct language model alignment from online AI feedback, arXiv 2402.04792. Learning rate and ``beta``: DPO's.
Differs from DPO: the pairs are the policy's own.
"""

from dataclasses import replace

from torch import Tensor
from torch.nn.functional import logsigmoid

from guerdon.acting.samplers.group import Group
from guerdon.data.pairing.consecutive import Consecutive
from guerdon.recipes.dpo import recipe as dpo
from guerdon.targets import Target
from guerdon.targets.acting import Acts, World

recipe = replace(dpo, sampler=Group(2), pairing=Consecutive())


def _objective(w: World) -> Tensor:
    which, chance = w.draws(*[w.said.probability] * 2)
    asked = which[:, 0] != which[:, 1]
    first, second = which[asked].T
    lead, wins = 0.1 * (w.said.ratio[first] - w.said.ratio[second]), w.prefer[first, second]
    return -(chance[asked] * (wins * logsigmoid(lead) + (1 - wins) * logsigmoid(-lead))).sum()


target = Target(
    "E over two different answers and who of them is preferred of DPO's loss; who is drawn is held", _objective, Acts(group=2, judged=True)
)
