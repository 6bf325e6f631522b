"""Tree search: what is tried next is what came out well before, or has hardly been tried (Monte Carlo tree search over steps).

    ``simulations`` times: go down from the prompt by ``descent`` to a node without ways on; if it was tried before, draw ``expansions`` ways from the policy, and go down one
    value of a node that is reached the first time = score_prefix(beginning), or the mean score of ``rollouts`` answers that go on from it
    every node on the way: visits + 1, value = mean of what was found below it

P prompts → ``num_generations`` * P sequences, those of one prompt next to each other: the best answers that ended in the tree or as a rollout, by their score; where there are not
enough, others are drawn from the node that was tried most. Ways that say the same are one. A step is a token with ``steps`` every_n of n 1.

The prior of a way is exp(mean over its tokens of log pi): at one token the policy's probability. ``reward``, ``steps`` and what is recorded are as in StepBeam. ``grow`` gives the
trees themselves, of which pairs of steps are made (``Node.siblings``).

Source: Kocsis and Szepesvari 2006; over steps that the policy draws: the code of AlphaMath, arXiv 2405.03553, and SVPO, arXiv 2406.10858 (Super_MARIO, ``mcts.py``), from which the
prior is. There what has ended is judged as soon as it is drawn, and never gone down to. ``simulations`` 16, ``expansions`` 4: ours.
Differs from StepBeam: what was given up can be taken up again.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from math import exp
from typing import ClassVar

import torch
from torch import Tensor

from guerdon.acting.descents import Descent
from guerdon.acting.descents.puct import PUCT
from guerdon.acting.engines import Engine
from guerdon.acting.samplers import Score
from guerdon.acting.samplers._walking import Beginning, Pace, Walk, best, distinct, filled
from guerdon.acting.samplers.best_of_n import _sum
from guerdon.acting.samplers.step_beam import StepBeam
from guerdon.credit.segments import Segmenting
from guerdon.credit.segments.after_text import AfterText
from guerdon.credit.segments.every_n import EveryN
from guerdon.errors import InputError
from guerdon.feedback.rewards import Reward
from guerdon.models import Policy
from guerdon.models.finite._scripted import Scripted
from guerdon.randomness import generator
from guerdon.sequences import Decoding, Sequences
from guerdon.witness import Witness


@dataclass
class Node:
    """A beginning in a tree. ``found``: its own value, when it was reached; None: not yet. ``total``: the sum of what was found at it and below, over its ``visits``."""

    said: Beginning
    prior: float = 1.0
    children: list["Node"] = field(default_factory=list)
    visits: int = 0
    total: float = 0.0
    found: float | None = None

    @property
    def value(self) -> float:
        """The mean of what was found; 0 before."""
        return self.total / self.visits if self.visits else 0.0

    @property
    def step(self) -> tuple[int, ...]:
        """The tokens of its step."""
        return self.said.actions[self.said.begun :]

    def nodes(self) -> Iterator["Node"]:
        """It and all below."""
        yield self
        for child in self.children:
            yield from child.nodes()

    def siblings(self) -> Iterator[tuple["Node", list["Node"]]]:
        """Each node below which two ways or more were tried, with these, the best first."""
        for node in self.nodes():
            tried = [child for child in node.children if child.visits]
            if len(tried) > 1:
                yield node, sorted(tried, key=lambda child: child.value, reverse=True)


@dataclass(frozen=True)
class TreeSearch:
    records: ClassVar[frozenset[str]] = frozenset({"score", "drawn_tokens", "scored_tokens"})
    looks: ClassVar[bool] = True

    num_generations: int = 1
    simulations: int = 16
    expansions: int = 4
    rollouts: int = 0
    descent: Descent = PUCT()
    steps: Segmenting = AfterText()
    reward: Reward | None = None
    at_once: int = 16
    engine: Engine | None = None

    def __post_init__(self) -> None:
        if min(self.simulations, self.expansions, self.num_generations) < 1 or self.rollouts < 0:
            raise InputError(
                f"sampler: tree search takes simulations, expansions and num_generations of 1 or more, and rollouts of 0 or more, not {self}"
            )
        Pace(self.steps, self.at_once, self.engine)

    def __call__(self, policy: Policy, contexts: Sequence[Tensor], decoding: Decoding, seed: int, score_prefix: Score) -> Sequences:
        walk, trees, complete = self._searched(policy, contexts, decoding, seed, score_prefix)
        found = [best(distinct(answers), self.num_generations) for answers in complete]
        missing = [(p, k) for p, own in enumerate(found) for k in range(self.num_generations - len(own))]
        if missing:
            numbers = torch.rand(len(contexts), self.num_generations, walk.longest, generator=generator(seed, "rest"))
            tried = [_most_tried(tree) for tree in trees]
            rest = walk.grown([tried[p].said for p, _ in missing], torch.stack([numbers[p, k] for p, k in missing]), steps=None)
            for one in walk.scored(rest):
                found[one.prompt].append(one)
        return walk.answers([one for own in found for one in filled(best(own, self.num_generations), self.num_generations)])

    def grow(self, policy: Policy, contexts: Sequence[Tensor], decoding: Decoding, seed: int, score_prefix: Score) -> list[Node]:
        """The tree of each prompt."""
        return self._searched(policy, contexts, decoding, seed, score_prefix)[1]

    def _searched(
        self, policy: Policy, contexts: Sequence[Tensor], decoding: Decoding, seed: int, score_prefix: Score
    ) -> tuple[Walk, list[Node], list[list[Beginning]]]:
        """The search, its trees, and of each prompt the answers that ended, with their scores."""
        walk = Walk(policy, contexts, decoding, Pace(self.steps, self.at_once, self.engine), score_prefix)
        trees = [Node(Beginning(p)) for p in range(len(contexts))]
        complete: list[list[Beginning]] = [[] for _ in contexts]
        for number in range(self.simulations):
            paths = [self._down(tree) for tree in trees]
            wide = [path for path in paths if not path[-1].said.ended and (path[-1].visits or len(path) == 1)]
            if wide:
                numbers = torch.rand(len(contexts), self.expansions, walk.longest, generator=generator(seed, "expand", number))
                parents = [path[-1] for path in wide for _ in range(self.expansions)]
                rows = torch.cat([numbers[path[-1].said.prompt] for path in wide])
                grown = walk.grown([node.said for node in parents], rows)
                for k, path in enumerate(wide):
                    ways = distinct(grown[k * self.expansions : (k + 1) * self.expansions])
                    path[-1].children = [Node(one, _prior(one)) for one in ways]
                    path.append(self._next(path[-1]))
            self._evaluate(walk, [path[-1] for path in paths if path[-1].found is None], complete, seed, number)
            for path in paths:
                for node in path:
                    node.visits += 1
                    node.total += path[-1].found or 0.0
        return walk, trees, complete

    def _down(self, tree: Node) -> list[Node]:
        path = [tree]
        while path[-1].children:
            path.append(self._next(path[-1]))
        return path

    def _next(self, node: Node) -> Node:
        ways = node.children
        worth = self.descent([w.value for w in ways], [w.visits for w in ways], [w.prior for w in ways], node.visits)
        return ways[max(range(len(ways)), key=lambda k: worth[k])]

    def _evaluate(self, walk: Walk, leaves: list[Node], complete: list[list[Beginning]], seed: int, number: int) -> None:
        """What each leaf is worth; answers that came to their end are kept."""
        open_ = [leaf for leaf in leaves if not leaf.said.ended]
        at_once = leaves if not self.rollouts else [leaf for leaf in leaves if leaf.said.ended]
        for leaf, one in zip(at_once, walk.scored([leaf.said for leaf in at_once]), strict=True):
            leaf.said, leaf.found = one, one.rank
            if one.ended:
                complete[one.prompt].append(one)
        if not self.rollouts or not open_:
            return
        numbers = torch.rand(len(walk.contexts), self.rollouts, walk.longest, generator=generator(seed, "rollout", number))
        rows = torch.cat([numbers[leaf.said.prompt] for leaf in open_])
        ends = walk.scored(walk.grown([leaf.said for leaf in open_ for _ in range(self.rollouts)], rows, steps=None))
        for k, leaf in enumerate(open_):
            own = ends[k * self.rollouts : (k + 1) * self.rollouts]
            leaf.found = sum(one.rank for one in own) / len(own)
            complete[leaf.said.prompt] += own


def _prior(one: Beginning) -> float:
    logp = one.logp[one.begun :]
    return exp(sum(logp) / max(len(logp), 1))


def _most_tried(tree: Node) -> Node:
    """The last node on the way that was tried most, from which can be gone on."""
    node = tree
    while going := [child for child in node.children if child.visits and not child.said.ended]:
        node = max(going, key=lambda child: child.visits)
    return node


_given = {  # 1 or 2, then 3 or 4, which is the end
    "policy": Scripted((((1,), (2,)),), continued=(((3,), (4,)),), end=4),
    "contexts": [torch.tensor([0])],
    "decoding": Decoding(max_completion_length=2),
    "seed": 0,
    "score_prefix": _sum,
}
_far = PUCT(exploration=10.0)
witness = (
    Witness(  # reached in turn: 1, 2, 2 3, 1 3, 2 4
        TreeSearch(simulations=5, expansions=2, descent=_far, steps=EveryN(1)),
        parent=TreeSearch(simulations=4, expansions=2, descent=_far, steps=EveryN(1)),
        given=_given,
        returns={"context": [0], "actions": [[2, 4]], "score": [6.0], "drawn_tokens": [2 + 2 + 2], "scored_tokens": [1 + 1 + 2 + 2 + 2]},
    ),
    Witness(  # 1 is worth what 1 3 is, and what comes after it is tried next, for it is worth so much more than may be
        TreeSearch(simulations=2, expansions=2, rollouts=1, steps=EveryN(1)),
        parent=StepBeam(width=1, expansions=2, steps=EveryN(1)),
        given=_given,
        returns={"actions": [[1, 3]], "score": [4.0], "drawn_tokens": [2 + 1 + 2], "scored_tokens": [2 + 2]},
    ),
)
