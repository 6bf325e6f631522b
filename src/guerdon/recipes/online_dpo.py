"""Online DPO: DPO on pairs that the policy itself draws, compared as it goes on.

Two answers to each prompt; the one with the higher reward, or the one that ``judge`` prefers, is chosen.

Source: direct language model alignment from online AI feedback, arXiv 2402.04792. Learning rate and ``beta``: DPO's.
Differs from DPO: the pairs are the policy's own.
"""

from dataclasses import replace

from guerdon.acting.samplers.group import Group
from guerdon.data.pairing.consecutive import Consecutive
from guerdon.recipes.dpo import recipe as dpo

recipe = replace(dpo, sampler=Group(2), pairing=Consecutive())
