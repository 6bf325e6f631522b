"""Group: several completions of every prompt, drawn independently.

P prompts → ``num_generations`` * P sequences, those of one prompt next to each other, in the order of the prompts. The policy draws them, or an ``engine``
of ``acting.engines`` for it. ``counts`` [P], where an allocation gives them, are the numbers of sequences of each prompt instead.

Source: the group of GRPO, arXiv 2402.03300, section 4.1; ``num_generations`` 8: TRL's default (the paper draws 64).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from guerdon.acting.engines import Engine
from guerdon.models import Finished, Policy
from guerdon.models.finite._scripted import Scripted
from guerdon.parts import wants
from guerdon.randomness import generator
from guerdon.sequences import Decoding, Sequences
from guerdon.witness import Witness


@dataclass(frozen=True)
class Group:
    num_generations: int = 8
    engine: Engine | None = None

    def __call__(
        self,
        policy: Policy,
        contexts: Sequence[Tensor],
        decoding: Decoding,
        seed: int,
        finished: Finished | None = None,
        counts: Tensor | None = None,
    ) -> Sequences:
        context = torch.arange(len(contexts)).repeat_interleave(self.num_generations if counts is None else counts)
        uniforms = torch.rand(len(context), decoding.max_completion_length, generator=generator(seed, "sample"))
        draw = policy.sample if self.engine is None else partial(self.engine, policy)
        told = {"finished": finished} if finished is not None and "finished" in wants(draw) else {}
        return draw(contexts, context, decoding, uniforms, **told)


# The k-th answer to each of the two prompts, in turn; the prompts are given in the other order.
_two_prompts = {
    "policy": Scripted((((1,), (2, 2)), ((3,), (4,)))),
    "contexts": [torch.tensor([1]), torch.tensor([0])],
    "decoding": Decoding(max_completion_length=2),
    "seed": 0,
}
witness = (
    Witness(
        Group(num_generations=2),
        parent=Group(num_generations=1),
        given=_two_prompts,
        returns={"context": [0, 0, 1, 1], "actions": [[3, 0], [4, 0], [1, 0], [2, 2]], "length": [1, 1, 1, 2]},
    ),
    Witness(
        Group(num_generations=2),
        given=_two_prompts | {"counts": torch.tensor([1, 2])},
        returns={"context": [0, 1, 1], "actions": [[3, 0], [1, 0], [2, 2]], "length": [1, 1, 2]},
    ),
)
