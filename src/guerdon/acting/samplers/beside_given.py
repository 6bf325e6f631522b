"""Beside given: the policy's own answer to every prompt, beside those that the data hold.

    own answer (actor 0), then the row's answers in ``columns`` (actors 1, 2 ...)        next to each other, for every prompt

P prompts → (1 + columns) * P sequences, in the order of the prompts; whose a sequence is, is the quantity ``actor``. ``greedy``: the own answer is the most likely
one, step by step. ``old_logp`` of a given answer is what the policy says of it; it counts as ended.

``given`` tells the answers of each prompt: for text the columns are encoded as completions, as preference data are; in a finite world they are lists of actions.

Source: the iterations of SELM, arXiv 2405.19332, in its authors' code (``online_feedback.py``): one greedy answer is ranked with the data's chosen and rejected ones.
Differs from Interpolated: who answers besides the policy is no model.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from torch import Tensor

from guerdon.acting.engines import Engine
from guerdon.acting.samplers import Given
from guerdon.acting.samplers._saying import said_of
from guerdon.acting.samplers.group import Group
from guerdon.acting.samplers.interpolated import Interpolated
from guerdon.models import Policy
from guerdon.models.finite.policy import TablePolicy
from guerdon.models.finite.tree import PrefixTree
from guerdon.sequences import Decoding, Sequences, Side, concatenate, pad
from guerdon.witness import Witness


@dataclass(frozen=True)
class BesideGiven:
    records: ClassVar[frozenset[str]] = frozenset({"actor"})
    looks: ClassVar[bool] = True

    columns: tuple[str, ...] = ("chosen", "rejected")
    greedy: bool = True
    engine: Engine | None = None

    @property
    def answers(self) -> int:
        """How many sequences each prompt gets."""
        return 1 + len(self.columns)

    def __call__(self, policy: Policy, contexts: Sequence[Tensor], decoding: Decoding, seed: int, given: Given) -> Sequences:
        own = Group(1, self.engine)(policy, contexts, replace(decoding, temperature=0.0) if self.greedy else decoding, seed)
        parts = [own.with_quantities(actor=torch.zeros(len(own), dtype=torch.long))]
        answers = given(self.columns)
        for place, column in enumerate(self.columns, 1):
            theirs = said_in([row[column] for row in answers], contexts, own.temperature)
            logp = said_of(policy, theirs)
            ended = torch.ones(len(theirs), dtype=torch.bool)
            parts.append(theirs.with_quantities(old_logp=logp.to(own.quantities["old_logp"]), terminated=ended, actor=ended * place))
        together = concatenate(parts)
        context = together.context % len(contexts)
        order = torch.argsort(context, stable=True)  # actors in their order within every prompt
        return replace(together, contexts=list(contexts), context=context).select(order)


def said_in(sides: Sequence[Side], contexts: Sequence[Tensor], temperature: float) -> Sequences:
    """One answer to each of the contexts."""
    actions, mask = pad([side.actions for side in sides], torch.long), pad([side.mask for side in sides], torch.bool)
    length = torch.tensor([len(side.actions) for side in sides])
    return Sequences(list(contexts), torch.arange(len(sides)), actions, mask, length, temperature=temperature)


def _answers(columns: Sequence[str]) -> list[Mapping[str, Side]]:
    """What the rows of two prompts hold: to the second one answers of two steps."""
    said = ({"chosen": (2,), "rejected": (1, 2)}, {"chosen": (0, 1), "rejected": (1, 1)})
    return [{name: Side((i,), row[name], (True,) * len(row[name])) for name in columns} for i, row in enumerate(said)]


_half, _first = [0.25, 0.25, 0.5], [0.5, 0.25, 0.25]  # action 2 ends, and is the likeliest in answer to the first prompt, 0 to the second
_given = {
    "policy": TablePolicy(PrefixTree(3, 2, end=2), torch.tensor([[_half] * 4, [_first] * 4], dtype=torch.float64).log()),
    "contexts": [torch.tensor([0]), torch.tensor([1])],
    "decoding": Decoding(max_completion_length=2),
    "seed": 0,
    "given": _answers,
}
LN2 = 0.6931471805599453
witness = (
    Witness(
        BesideGiven(),
        parent=Interpolated(weights=(0.0,), num_generations=3),
        given=_given,
        returns={
            "context": [0, 0, 0, 1, 1, 1],
            "actions": [[2, 0], [2, 0], [1, 2], [0, 0], [0, 1], [1, 1]],
            "length": [1, 1, 2, 2, 2, 2],
            "actor": [0, 1, 2, 0, 1, 2],
            "old_logp": [[-LN2, 0.0], [-LN2, 0.0], [-2 * LN2, -LN2], [-LN2, -LN2], [-LN2, -2 * LN2], [-2 * LN2, -2 * LN2]],
        },
    ),
    Witness(
        BesideGiven(columns=("rejected",)),
        parent=BesideGiven(),
        given=_given,
        returns={"context": [0, 0, 1, 1], "actions": [[2, 0], [1, 2], [0, 0], [1, 1]], "actor": [0, 1, 0, 1]},
    ),
)
