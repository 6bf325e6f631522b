"""Forking: chains are drawn, and drawn again from the middle, so that answers to a prompt form trees whose branches share what was said before they parted.

    ``num_generations`` chains of every prompt; then ``rounds`` times:
        of the tree that has grown from each chain, the ``forks`` steps that ``at`` finds worth most (0: all that it allows)
        before each of them ``branches`` continuations, drawn anew

P prompts → the chains, and a sequence for each continuation, those of one prompt next to each other. A forked sequence holds what it has in common with the one it left, with
its log-probabilities as they were recorded: it was acted, once, and ``mask`` is true there, so that every sequence is an answer as any other. Recorded are

    node [B, T]     which piece of the tree a step belongs to; sequences that share it have all steps up to its end in common
    forked [B]      before which step a sequence was forked off another; -1 for a chain
    share [B]       1 / (draws at each fork on its way): those of a prompt sum to 1

from which ``tree_credit``, ``sibling_baseline`` and ``probed_values`` know what they need. A step is forked before at most once, and only where it was drawn.

What goes on from a prefix is drawn in answer to the prompt and the prefix, by any policy or engine. ``max_completion_length`` bounds the whole of a sequence.

Source: TreeRL, arXiv 2506.11902, and its authors' code, ``entropy_chain_local_manager.py``: M, N, L and T are ``num_generations``, ``forks``, ``rounds`` and
``branches``; 6, 2, 1 and 2, 30 answers of a prompt, are those of its script. SPO-tree is ``Forking(6, forks=0, branches=5, rounds=2, at=Borders(...))``; VinePPO's values are drawn
by ``Forking(forks=0, branches=9, at=Borders(..., first=True))``.
Differs from Group: sequences of a prompt are not independent, and cost fewer tokens than as many chains.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import ClassVar

import torch
from torch import Tensor

from guerdon.acting.engines import Engine
from guerdon.acting.forks import Fork
from guerdon.acting.forks.borders import Borders
from guerdon.acting.forks.surprise import Surprise
from guerdon.acting.samplers.group import Group
from guerdon.credit.segments.every_n import EveryN
from guerdon.errors import InputError
from guerdon.models import Policy
from guerdon.models.finite._scripted import Scripted
from guerdon.parts import call
from guerdon.randomness import generator
from guerdon.sequences import Decoding, Sequences, concatenate
from guerdon.witness import Witness


@dataclass(frozen=True)
class Forking:
    records: ClassVar[frozenset[str]] = frozenset({"node", "forked", "share"})

    num_generations: int = 6
    forks: int = 2
    branches: int = 2
    rounds: int = 1
    at: Fork = Surprise()
    engine: Engine | None = None

    def __post_init__(self) -> None:
        if self.forks < 0 or self.branches < 1 or self.rounds < 0:
            raise InputError(f"sampler: forking takes forks of 0 or more, branches of 1 or more and rounds of 0 or more, not {self}")

    @property
    def answers(self) -> int:
        """How many sequences a prompt gets: at most, where ``forks`` says how many; at least, where it is 0."""
        return self.num_generations * (1 + self.rounds * self.forks * self.branches)

    def __call__(self, policy: Policy, contexts: Sequence[Tensor], decoding: Decoding, seed: int) -> Sequences:
        drawn = Group(self.num_generations, self.engine)(policy, contexts, decoding, seed)
        origin = _Origin(len(drawn))
        for round_ in range(self.rounds):
            found = self._found(drawn, origin, seed, round_)
            if not found:
                break
            more = self._continued(policy, drawn, found, decoding, seed, round_)
            origin.fork([fork for fork in found for _ in range(self.branches)])
            drawn = replace(concatenate([drawn, more]), contexts=list(contexts), context=torch.cat([drawn.context, more.context]))
        recorded = origin.pieces(drawn, self.num_generations)
        return drawn.with_quantities(**recorded).select(torch.argsort(drawn.context, stable=True))

    def _found(self, drawn: Sequences, origin: "_Origin", seed: int, round_: int) -> list[tuple[int, int]]:
        """Rows and the steps before which they are forked."""
        uniform = torch.rand(drawn.actions.shape, generator=generator(seed, "fork", round_), dtype=torch.float64)
        known = {**drawn.quantities, "mask": drawn.mask, "action": drawn.actions, "uniform": uniform}
        score = call(self.at, known).double()
        found = []
        for tree in range(origin.trees):
            places = [
                (float(score[row, step]), row, step)
                for row in origin.rows_of(tree)
                for step in torch.isfinite(score[row]).nonzero().flatten().tolist()
                if origin.may(row, step)
            ]
            best = sorted(places, key=lambda place: (-place[0], place[1:]))
            found += [(row, step) for _, row, step in (best[: self.forks] if self.forks else best)]
        return found

    def _continued(
        self, policy: Policy, drawn: Sequences, found: list[tuple[int, int]], decoding: Decoding, seed: int, round_: int
    ) -> Sequences:
        """A whole sequence for each continuation."""
        prefixes = [drawn.actions[row, :step] for row, step in found]
        contexts = [torch.cat([drawn.contexts[int(drawn.context[row])], said]) for (row, _), said in zip(found, prefixes, strict=True)]
        which = torch.arange(len(found)).repeat_interleave(self.branches)
        left = replace(decoding, max_completion_length=decoding.max_completion_length - min(step for _, step in found))
        uniforms = torch.rand(len(which), left.max_completion_length, generator=generator(seed, "continue", round_))
        draw = policy.sample if self.engine is None else partial(self.engine, policy)
        more = draw(contexts, which, left, uniforms)
        return _whole(drawn, [found[i] for i in which.tolist()], more, decoding.max_completion_length)


def _whole(drawn: Sequences, found: list[tuple[int, int]], more: Sequences, longest: int) -> Sequences:
    """What was there before each fork, and what was drawn after it, as sequences in answer to the prompts; none longer than ``longest``."""
    rows = torch.tensor([row for row, _ in found])
    begun = torch.tensor([step for _, step in found])
    length = (begun + more.length).clamp(max=longest)
    steps = torch.arange(max(int(length.max()), 1))
    before = steps < begun.unsqueeze(-1)
    after = (steps - begun.unsqueeze(-1)).clamp(0, more.actions.shape[1] - 1)
    inside = steps < length.unsqueeze(-1)

    def joined(first: Tensor, second: Tensor) -> Tensor:
        own = first[rows].gather(1, steps.clamp(max=first.shape[1] - 1).expand(len(rows), -1))
        return torch.where(inside, torch.where(before, own, second.gather(1, after).to(own)), torch.zeros_like(own))

    names = ("old_logp",)
    recorded = {name: joined(drawn.quantities[name], more.quantities[name]) for name in names}
    recorded["terminated"] = more.quantities["terminated"] & (begun + more.length <= longest)
    return Sequences(
        list(drawn.contexts),
        drawn.context[rows],
        joined(drawn.actions, more.actions),
        joined(drawn.mask, more.mask),
        length,
        recorded,
        drawn.temperature,
    )


class _Origin:
    """Where each row was forked off which, and which steps have been forked before."""

    def __init__(self, chains: int):
        self.trees, self.parent, self.step = chains, [-1] * chains, [-1] * chains
        self.tree = list(range(chains))
        self.draws: dict[tuple[int, int], int] = {}  # continuations drawn before a step of the row that drew it

    def rows_of(self, tree: int) -> list[int]:
        return [row for row, own in enumerate(self.tree) if own == tree]

    def may(self, row: int, step: int) -> bool:
        """Whether the row itself drew the step, in going on from one that it drew, and nothing was forked there."""
        return step > self.step[row] and (row, step) not in self.draws

    def fork(self, found: list[tuple[int, int]]) -> None:
        for row, step in found:
            self.draws[row, step] = self.draws.get((row, step), 0) + 1
            self.parent.append(row)
            self.step.append(step)
            self.tree.append(self.tree[row])

    def pieces(self, drawn: Sequences, chains: int) -> dict[str, Tensor]:
        """``node``, ``forked`` and ``share`` of every row."""
        forked = torch.tensor(self.step)
        owner = torch.arange(len(drawn)).unsqueeze(-1).repeat(1, drawn.actions.shape[1])
        begun = torch.zeros_like(owner)  # how many forks of a row lie at or before a step
        for (row, step), _ in self.draws.items():
            begun[row, step:] += step > 0
        share = torch.tensor([1.0 / (chains + self._at_start(drawn.context, int(c))) for c in drawn.context], dtype=torch.float64)
        for row in range(len(drawn)):
            until = drawn.actions.shape[1] + 1
            at = row
            while at >= 0:  # the row's own steps, then those that it took over, from whom they were taken
                for (forked_row, step), draws in self.draws.items():
                    if forked_row == at and 0 < step <= until and step < int(drawn.length[at]):
                        share[row] /= 1 + draws
                step, above = self.step[at], self.parent[at]
                if above >= 0:
                    owner[row, :step], begun[row, :step] = owner[above, :step], begun[above, :step]
                until, at = step, above
        node = torch.unique(torch.stack([owner, begun], -1).view(-1, 2), dim=0, return_inverse=True)[1].view(owner.shape)
        return {"node": node, "forked": forked, "share": share}

    def _at_start(self, context: Tensor, prompt: int) -> int:
        return sum(draws for (row, step), draws in self.draws.items() if step == 0 and int(context[row]) == prompt)


_given = {
    "policy": Scripted((((1, 2, 3),), ((4, 5),)), continued=(((6,), (7, 8)), ((9,),))),
    "contexts": [torch.tensor([0]), torch.tensor([1])],
    "decoding": Decoding(max_completion_length=4),
    "seed": 0,
}
witness = (
    Witness(  # 6 and 7 8 in the place of 3; the second chain is too short
        Forking(1, 0, 2, at=Borders(EveryN(2))),
        parent=Group(num_generations=3),
        given=_given,
        returns={
            "context": [0, 0, 0, 1],
            "actions": [[1, 2, 3, 0], [1, 2, 6, 0], [1, 2, 7, 8], [4, 5, 0, 0]],
            "length": [3, 3, 4, 2],
            "forked": [-1, 2, 2, -1],
            "share": [1 / 3, 1 / 3, 1 / 3, 1.0],
        },
    ),
    Witness(  # the first of equal steps: one answer more
        Forking(1, 1, 1),
        parent=Forking(1, 1, 2),
        given=_given,
        returns={"context": [0, 0, 1, 1], "actions": [[1, 2, 3], [1, 2, 3], [4, 5, 0], [4, 5, 0]], "forked": [-1, 0, -1, 0]},
    ),
    Witness(
        Forking(1, 0, 1, rounds=2, at=Borders(EveryN(1))),
        parent=Forking(1, 0, 1, rounds=1, at=Borders(EveryN(1))),
        given={**_given, "policy": Scripted((((1, 2, 3),), ((4,),)), continued=(((6, 6),), ()))},
        returns={
            "actions": [[1, 2, 3, 0], [1, 6, 6, 0], [1, 2, 6, 6], [1, 6, 6, 6], [1, 2, 6, 6], [4, 0, 0, 0]],
            "forked": [-1, 1, 2, 2, 3, -1],
            "share": [0.25, 0.25, 0.125, 0.25, 0.125, 1.0],
        },
    ),
)
