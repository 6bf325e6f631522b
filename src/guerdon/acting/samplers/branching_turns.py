"""Branching turns: episodes that become several before a turn, which go on from the same situation, so that those of a prompt form trees.

    ``num_generations`` episodes of every prompt; before each of the turns ``before`` (from 0) every one that goes on becomes ``branches``

An environment is copied by its ``state`` and ``restore``, and what the policy has said and been told by then is shared; each continuation is drawn by itself. An episode that is
over before a turn is not branched there. A sequence holds all of its way, as of ``turns``, and besides

    node [B, T]     which piece of the tree a step belongs to; sequences that share it have all steps up to its end in common
    forked [B]      before which step a sequence was forked off another; -1 for the first of a tree
    share [B]       1 / (episodes at each branching on its way): those of a prompt sum to 1

from which ``tree_credit`` and ``sibling_baseline`` know what they need. P prompts → at most ``num_generations`` * ``branches`` ^ |before| * P sequences, those of one prompt next
to each other. For each an environment is made at the beginning, whether it comes to be used or not.

Source: the tree of TreeRL, arXiv 2506.11902, with turns in the place of tokens; that every episode is branched before the same turns, and 2 and 4, are ours.
Differs from Turns: episodes of a prompt are not independent, and what they share was acted and told once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import torch
from torch import Tensor

from guerdon.acting.engines import Engine
from guerdon.acting.overflow import Overflow
from guerdon.acting.overflow.stop import Stop
from guerdon.acting.samplers import Episodes
from guerdon.acting.samplers._turn_by_turn import TurnByTurn, refuse_no_turns
from guerdon.acting.samplers.turns import Turns, _Counting
from guerdon.errors import InputError
from guerdon.models import Policy, remembering
from guerdon.models.finite._scripted import Scripted
from guerdon.sequences import Decoding, Sequences
from guerdon.witness import Witness


@dataclass(frozen=True)
class BranchingTurns:
    records: ClassVar[frozenset[str]] = Turns.records | {"node", "forked", "share"}
    looks: ClassVar[bool] = True

    num_generations: int = 2
    turns: int = 8
    turn_length: int | None = None
    before: tuple[int, ...] = (1,)
    branches: int = 4
    overflow: Overflow = Stop()
    engine: Engine | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "before", tuple(self.before))
        refuse_no_turns(self)
        wrong = [turn for turn in self.before if not 0 <= turn < self.turns]
        if self.branches < 1 or wrong or list(self.before) != sorted(set(self.before)):
            raise InputError(
                f"sampler: branches is 1 or more and before names turns from 0 to {self.turns - 1} in their order, not {self.branches} and {list(self.before)}"
            )

    @property
    def answers(self) -> int:
        """How many sequences a prompt gets at most."""
        return self.num_generations * self._leaves

    @property
    def unbranched(self) -> Turns:
        """The same episodes, none of which becomes several."""
        return Turns(self.num_generations, self.turns, self.turn_length, self.overflow, self.engine)

    @property
    def _leaves(self) -> int:
        """Of an episode."""
        return self.branches ** len(self.before)

    def __call__(
        self,
        policy: Policy,
        contexts: Sequence[Tensor],
        decoding: Decoding,
        seed: int,
        episodes: Episodes,
        counts: Tensor | None = None,
    ) -> Sequences:
        trees = torch.arange(len(contexts)).repeat_interleave(self.num_generations if counts is None else counts)
        context = trees.repeat_interleave(self._leaves)
        tree = _Tree(len(context), self)
        draw = policy.sample if self.engine is None else partial(self.engine, policy)
        acting = TurnByTurn(draw, contexts, context, decoding, seed, episodes, self)
        can = episodes.begin(context)
        first = torch.arange(0, len(context), self._leaves)
        with remembering(policy):
            drawn = acting.all_turns(first[can[first]], tree.fork)
        used = torch.tensor(sorted({*first.tolist(), *tree.forked}), dtype=torch.long)
        episodes.keep(used.tolist())
        trees_of = torch.bincount(trees, minlength=len(contexts))[context]
        return drawn.with_quantities(**tree.quantities(drawn, trees_of)).select(used)


class _Tree:
    """Which rows go on from where others are. A tree has as many rows as it can have leaves: the first of each branch goes on, and the others wait for it to branch."""

    def __init__(self, rows: int, told: BranchingTurns) -> None:
        self._told = told
        self.forked: dict[int, int] = {}  # the step before which a row was
        self._pieces: list[list[int]] = [[] for _ in range(rows)]  # where those of a row begin after its first
        self._nodes = [[row] for row in range(rows)]
        self._next = rows

    def fork(self, turn: int, rows: Sequence[int], starts: Sequence[int]) -> tuple[list[int], list[int]]:
        """Rows that go on as others do, and as which."""
        if turn not in self._told.before:
            return [], []
        width = self._told.branches ** (len(self._told.before) - 1 - self._told.before.index(turn))
        new, of = [], []
        for row, start in zip(rows, starts, strict=True):
            pieces, nodes = self._pieces[row], self._nodes[row]
            for branch in range(self._told.branches):
                own = row + branch * width
                self._pieces[own], self._nodes[own] = [*pieces, start], [*nodes, self._next]
                self._next += 1
                if branch:
                    self.forked[own] = start
                    new.append(own)
                    of.append(row)
        return new, of

    def quantities(self, drawn: Sequences, trees: Tensor) -> dict[str, Tensor]:
        node = torch.zeros(drawn.actions.shape, dtype=torch.long)
        for row, (pieces, nodes) in enumerate(zip(self._pieces, self._nodes, strict=True)):
            node[row] = nodes[0]
            for start, own in zip(pieces, nodes[1:], strict=True):
                node[row, start:] = own
        branched = torch.tensor([len(pieces) for pieces in self._pieces])
        share = 1.0 / (trees.double() * float(self._told.branches) ** branched)
        return {"node": node, "forked": torch.tensor([self.forked.get(row, -1) for row in range(len(node))]), "share": share}


class _Branching(_Counting):
    """The same environment, which can be branched: nothing in it is an episode's own."""

    def begin(self, context: Tensor) -> Tensor:
        super().begin(context)
        return torch.ones(len(context), dtype=torch.bool)

    def branch(self, rows: Sequence[int], of: Sequence[int]) -> list[bool]:
        return [True] * len(rows)

    def keep(self, rows: Sequence[int]) -> None:
        self.kept = list(rows)


_given = {
    "policy": Scripted((((7,), (8, 1)), ((9, 9), (5,))), continued=(((5, 1), (6,)), ((6, 6, 6),))),
    "contexts": [torch.tensor([0])],
    "decoding": Decoding(max_completion_length=5),
    "seed": 0,
    "episodes": _Branching(),
}
witness = (
    Witness(  # the first episode, 7, is told 7 and goes on in two ways; the second is over before the second turn
        BranchingTurns(2, turns=2, branches=2),
        parent=Turns(2, turns=2),
        given=_given,
        returns={
            "actions": [[7, 7, 5, 1], [7, 7, 5, 1], [8, 1, 0, 0]],
            "mask": [[1, 0, 1, 1], [1, 0, 1, 1], [1, 1, 0, 0]],
            "turn": [[0, 1, 1, 1], [0, 1, 1, 1], [0, 0, 0, 0]],
            "turn_reward": [[-1, 0, 0, 1], [-1, 0, 0, 1], [0, 1, 0, 0]],
            "forked": [-1, 2, -1],
            "share": [0.25, 0.25, 0.5],
            "terminated": [1, 1, 1],
        },
    ),
    Witness(
        BranchingTurns(1, turns=2, before=(0,), branches=2),
        parent=BranchingTurns(1, turns=2, branches=2),
        given=_given,
        returns={"actions": [[7, 7, 5, 1], [8, 1, 0, 0]], "forked": [-1, 0], "share": [0.5, 0.5]},
    ),
    Witness(
        BranchingTurns(1, turns=2, turn_length=1, branches=3),
        parent=BranchingTurns(1, turns=2, branches=3),
        given=_given,
        returns={"actions": [[7, 7, 5]] * 3, "forked": [-1, 2, 2], "terminated": [0, 0, 0]},
    ),
)
