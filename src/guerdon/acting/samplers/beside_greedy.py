"""Beside greedy: the policy's most likely completion of every prompt, beside those that are drawn.

    drawn completions, then the greedy one        next to each other, for every prompt

P prompts → (``num_generations`` + 1) * P sequences, in the order of the prompts. Which is the greedy one says the quantity ``greedy``: it
is judged as the others are, and what it got may be the baseline (``credit.advantages.greedy_baseline``); ``recipe.learned: [drawn]`` leaves
it out of what is learned from. Its ``old_logp`` is what the policy says of it at the temperature of the others. It counts in what is logged
of rollouts.

Source: ReMax, arXiv 2310.10505 (one drawn, one greedy).
Differs from Group: one more sequence of each prompt, which no chance is in.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from torch import Tensor

from guerdon.acting.engines import Engine
from guerdon.acting.samplers._saying import said_of
from guerdon.acting.samplers.group import Group
from guerdon.models import Policy
from guerdon.models.finite.policy import TablePolicy
from guerdon.models.finite.tree import PrefixTree
from guerdon.sequences import Decoding, Sequences, concatenate
from guerdon.witness import Witness


@dataclass(frozen=True)
class BesideGreedy:
    records: ClassVar[frozenset[str]] = frozenset({"greedy"})
    looks: ClassVar[bool] = True

    num_generations: int = 1
    engine: Engine | None = None

    @property
    def answers(self) -> int:
        """How many sequences each prompt gets."""
        return self.num_generations + 1

    def __call__(self, policy: Policy, contexts: Sequence[Tensor], decoding: Decoding, seed: int) -> Sequences:
        drawn = Group(self.num_generations, self.engine)(policy, contexts, decoding, seed)
        likeliest = replace(
            Group(1, self.engine)(policy, contexts, replace(decoding, temperature=0.0), seed), temperature=drawn.temperature
        )
        if drawn.temperature != 1:  # the greedy one was recorded at 1
            logp = said_of(policy, likeliest)
            likeliest = likeliest.with_quantities(old_logp=logp.to(likeliest.quantities["old_logp"]))
        parts = (drawn.with_quantities(greedy=torch.zeros(len(drawn))), likeliest.with_quantities(greedy=torch.ones(len(likeliest))))
        together = concatenate(parts)
        context = together.context % len(contexts)
        order = torch.argsort(context, stable=True)
        return replace(together, contexts=list(contexts), context=context).select(order)


_zero, _end = [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]  # nothing else is said to either prompt; action 2 ends
_given = {
    "policy": TablePolicy(PrefixTree(3, 2, end=2), torch.tensor([[_end] * 4, [_zero] * 4], dtype=torch.float64).log()),
    "contexts": [torch.tensor([1]), torch.tensor([0])],
    "decoding": Decoding(max_completion_length=2),
    "seed": 0,
}
witness = Witness(
    BesideGreedy(num_generations=2),
    parent=Group(num_generations=3),
    given=_given,
    returns={
        "context": [0, 0, 0, 1, 1, 1],
        "actions": [[0, 0], [0, 0], [0, 0], [2, 0], [2, 0], [2, 0]],
        "length": [2, 2, 2, 1, 1, 1],
        "greedy": [0.0, 0.0, 1.0, 0.0, 0.0, 1.0],
    },
)
