"""From prefix: the policy goes on from the beginning of an answer that the data hold.

    y = d[: n] followed by what the policy draws        d: the row's answer in ``column``;  n = round(u * length of d), at most length - 1, u uniform in ``least``..``most``

P prompts → ``num_generations`` * P sequences, those of one prompt next to each other and from one beginning: they are a group in the same state. The beginning stands in the
sequence, so that rewards read a whole answer, and its ``mask`` is false: nobody drew it, no loss learns from it and no credit is given to it. ``max_completion_length`` bounds the
whole of a sequence; a beginning that fills it leaves one step.

``least`` and ``most`` may be schedules: a reverse curriculum gives much of the demonstration first and nothing in the end. 0 and 0 is Group. ``shares`` [P], where the recipe's
``starts`` give them, are the u of each prompt instead.

Source: resets to states of demonstrations, Salimans and Chen 2018, arXiv 1812.03381; R3, arXiv 2402.05808, on reasoning steps, which draws n from the stages of its
curriculum (0..1 mixes all of them, its better form).
Differs from Group: a group answers a prompt and the beginning of an answer. Differs from BesideGiven: a part of the given answer is gone on from, not learned from.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import ClassVar

import torch
from torch import Tensor

from guerdon.acting.engines import Engine
from guerdon.acting.samplers import Given
from guerdon.acting.samplers.group import Group
from guerdon.errors import InputError
from guerdon.models import Policy
from guerdon.models.finite._scripted import Scripted
from guerdon.randomness import generator
from guerdon.sequences import Decoding, Sequences, Side
from guerdon.witness import Witness


@dataclass(frozen=True)
class FromPrefix:
    num_generations: int = 8
    column: str = "completion"
    least: float = 0.0
    most: float = 1.0
    engine: Engine | None = None

    looks: ClassVar[bool] = True

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns whose answers are asked for."""
        return (self.column,)

    def __call__(
        self, policy: Policy, contexts: Sequence[Tensor], decoding: Decoding, seed: int, given: Given, shares: Tensor | None = None
    ) -> Sequences:
        if not 0 <= self.least <= self.most <= 1:
            raise InputError(f"sampler: a beginning is between 0 and 1 of an answer, not {self.least} to {self.most}; set least and most")
        sides = [row[self.column] for row in given(self.columns)]
        share = self.least + (self.most - self.least) * torch.rand(len(sides), generator=generator(seed, "prefix"), dtype=torch.float64)
        share = share if shares is None else shares
        begun = [_begun(side, float(part), decoding.max_completion_length) for side, part in zip(sides, share, strict=True)]
        which = torch.arange(len(contexts)).repeat_interleave(self.num_generations)
        left = replace(decoding, max_completion_length=decoding.max_completion_length - min(map(len, begun), default=0))
        uniforms = torch.rand(len(which), left.max_completion_length, generator=generator(seed, "sample"))
        draw = policy.sample if self.engine is None else partial(self.engine, policy)
        drawn = draw([torch.cat([c, said]) for c, said in zip(contexts, begun, strict=True)], which, left, uniforms)
        return _after(drawn, list(contexts), begun, decoding.max_completion_length)


def _begun(side: Side, share: float, longest: int) -> Tensor:
    return torch.tensor(side.actions[: max(min(round(share * len(side.actions)), len(side.actions) - 1, longest - 1), 0)], dtype=torch.long)


def _after(drawn: Sequences, contexts: list[Tensor], begun: list[Tensor], longest: int) -> Sequences:
    """What was drawn, behind the beginnings, which were not acted."""
    ahead = torch.tensor([len(said) for said in begun])[drawn.context]
    length = (ahead + drawn.length).clamp(max=longest)
    steps = torch.arange(max(int(length.max()), 1) if len(drawn) else 1)
    inside, own = steps < length.unsqueeze(-1), steps >= ahead.unsqueeze(-1)
    place = (steps - ahead.unsqueeze(-1)).clamp(0, drawn.actions.shape[1] - 1)

    def moved(x: Tensor) -> Tensor:
        found = x.gather(1, place)
        return torch.where(inside & own, found, torch.zeros_like(found))

    said = torch.zeros(len(begun), len(steps), dtype=torch.long)
    for row, actions in enumerate(begun):
        said[row, : len(actions)] = actions
    ended = drawn.quantities["terminated"] & (ahead + drawn.length <= longest)
    recorded = {"old_logp": moved(drawn.quantities["old_logp"]), "terminated": ended}
    actions = torch.where(own, moved(drawn.actions), said[drawn.context])
    return Sequences(contexts, drawn.context, actions, moved(drawn.mask), length, recorded, drawn.temperature)


def _demonstrated(columns: Sequence[str]) -> list[dict[str, Side]]:
    return [{name: Side((x,), said, (True,) * len(said)) for name in columns} for x, said in enumerate(((1, 2, 3, 4), (5, 6)))]


_given = {
    "policy": Scripted((((7,), (8, 8)), ((9,),)), continued=(((7,), (8, 8, 8)), ((9,),))),
    "contexts": [torch.tensor([0]), torch.tensor([1])],
    "decoding": Decoding(max_completion_length=4),
    "seed": 0,
    "given": _demonstrated,
}
_half = {
    "context": [0, 0, 1, 1],
    "actions": [[1, 2, 7, 0], [1, 2, 8, 8], [5, 9, 0, 0], [5, 9, 0, 0]],
    "mask": [[0, 0, 1, 0], [0, 0, 1, 1], [0, 1, 0, 0], [0, 1, 0, 0]],
    "length": [3, 4, 2, 2],
    "terminated": [True, False, True, True],
}
witness = (
    Witness(FromPrefix(2, least=0.5, most=0.5), parent=Group(num_generations=2), given=_given, returns=_half),
    Witness(  # all but the last step, which is the policy's
        FromPrefix(1, least=1.0, most=1.0),
        parent=FromPrefix(1, least=0.5, most=0.5),
        given=_given,
        returns={"actions": [[1, 2, 3, 7], [5, 9, 0, 0]], "mask": [[0, 0, 0, 1], [0, 1, 0, 0]]},
    ),
    Witness(
        FromPrefix(2, least=0.0, most=0.0),
        parent=FromPrefix(2, least=0.5, most=0.5),
        given=_given,
        returns={"actions": [[7, 0], [8, 8], [9, 0], [9, 0]], "mask": [[1, 0], [1, 1], [1, 0], [1, 0]]},
    ),
    Witness(
        FromPrefix(1, least=0.5, most=0.5),
        given=_given | {"shares": torch.tensor([0.25, 0.0])},
        returns={"actions": [[1, 7], [9, 0]], "mask": [[0, 1], [1, 0]]},
    ),
)
