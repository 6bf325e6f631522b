"""Group: several completions of every prompt, drawn independently.

Source: the group of GRPO, arXiv 2402.03300, section 4.1; ``num_generations`` 8: TRL's default (the paper draws 64).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from guerdon.models import Policy
from guerdon.randomness import generator
from guerdon.sequences import Decoding, Sequences


@dataclass(frozen=True)
class Group:
    num_generations: int = 8

    def __call__(self, policy: Policy, contexts: Sequence[Tensor], decoding: Decoding, seed: int) -> Sequences:
        context = torch.arange(len(contexts)).repeat_interleave(self.num_generations)
        uniforms = torch.rand(len(context), decoding.max_completion_length, generator=generator(seed, "sample"))
        return policy.sample(contexts, context, decoding, uniforms)
