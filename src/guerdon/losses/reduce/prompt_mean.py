"""Prompt mean: every prompt counts the same, and within one every acted step.

    weights = mask / acted steps of the group / groups with any acted step        [B, T]

Source: ``loss_reduction: prompt_mean`` of SkyRL, which averages over the tokens of a prompt's answers and then over prompts.
Differs from TokenMean: a prompt whose answers are long, a hard one as a rule, does not outweigh the others. Differs from SequenceMean: within
a prompt long answers count as much per step as short ones.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch

from guerdon.losses.reduce.sequence_mean import SequenceMean
from guerdon.losses.reduce.token_mean import TokenMean
from guerdon.quantities import BT, Group, Mask
from guerdon.steps import group_sum
from guerdon.witness import Limit, Witness


@dataclass(frozen=True)
class PromptMean:
    per_batch: ClassVar[bool] = True

    def __call__(self, mask: Mask, group: Group) -> BT:
        steps = group_sum(mask.sum(-1), group)
        groups = torch.unique(group[mask.any(-1)]).numel()
        return mask / steps.clamp(min=1).unsqueeze(-1) / max(groups, 1)


witness = Witness(  # five steps of the first prompt, one of the second, none of the third
    PromptMean(),
    parent=TokenMean(),
    given={"mask": [[1, 1, 1], [1, 0, 1], [1, 0, 0], [0, 0, 0], [0, 0, 0]], "group": [0, 0, 1, 1, 2]},
    returns=[[0.1, 0.1, 0.1], [0.1, 0.0, 0.1], [0.5, 0.0, 0.0], [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]],
)


def _one_prompt(inputs: dict) -> dict:
    return inputs | {"group": torch.zeros_like(inputs["group"])}


def _alone(inputs: dict) -> dict:
    return inputs | {"group": torch.arange(len(inputs["group"]))}


limits = (
    Limit(PromptMean(), equals=TokenMean(), when="there is one prompt", under=_one_prompt),
    Limit(PromptMean(), equals=SequenceMean(), when="every prompt has one answer", under=_alone),
)
