"""What the experiments share in which a policy learns from search trees over solutions: the trees as rows, pairs as what ``fit`` reads, and what they cost."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch

from guerdon.acting.samplers.group import Group
from guerdon.acting.samplers.tree_search import TreeSearch
from guerdon.models.finite.policy import TablePolicy
from guerdon.sequences import Decoding, Example, Side
from guerdon.worlds.finite.solutions import Solutions


def grown(
    world: Solutions, policy: TablePolicy, search: TreeSearch, problems: Iterable[int], seed: int
) -> tuple[list[dict[str, Any]], int]:
    """A tree of each problem as a row of ``data.curation.sibling_pairs``, a piece of a path being a step; and how many steps were drawn for all of them.

    An answer is worth its outcome, and a beginning what its ``rollouts`` are.
    """
    where, cost = [torch.tensor([c]) for c in problems], _Counting(policy)
    trees = search.grow(cost, where, Decoding(world.depth), seed, world.expected_reward_of)
    rows = []
    for [c], tree in zip((w.tolist() for w in where), trees, strict=True):
        nodes = [node for node in tree.nodes() if node.visits and node.said.actions]
        told = {"paths": [[[a] for a in node.said.actions] for node in nodes]}
        rows.append({"prompt": c} | told | {"scores": [node.value for node in nodes], "visits": [node.visits for node in nodes]})
    return rows, cost.drawn


def solved(world: Solutions, policy: TablePolicy, problems: Sequence[int], steps: int, seed: int) -> list[dict[str, Any]]:
    """As many solutions of each problem as ``steps`` steps suffice for, as rows with ``completions`` and their outcomes in ``scores``."""
    contexts = [torch.tensor([c]) for c in problems]
    found = Group(steps // 2)(policy, contexts, Decoding(world.depth), seed)
    outcome, rows = world.expected_reward_of(found), []
    for p, c in enumerate(problems):
        own = (found.context == p).nonzero().flatten()
        own = own[found.length[own].cumsum(0) <= steps]
        said = [found.actions[i, : int(found.length[i])].tolist() for i in own.tolist()]
        rows.append({"prompt": c, "completions": said, "scores": outcome[own].tolist()})
    return rows


def compared(pairs: Iterable[Mapping[str, Any]], columns: Sequence[str] = ()) -> list[Example]:
    """Rows with ``chosen`` and ``rejected`` as examples. Where they say at which ``depth`` the two part, what is before it is not learned."""
    return [
        Example(
            {side: learned(pair["prompt"], pair[side], pair.get("depth", 0)) for side in ("chosen", "rejected")},
            {n: float(pair[n]) for n in columns},
        )
        for pair in pairs
    ]


def right_and_wrong(rows: Iterable[Mapping[str, Any]]) -> list[Example]:
    """Every right answer with every wrong one to the same problem, of rows as ``solved`` gives them."""
    pairs = []
    for row in rows:
        scored = list(zip(row["completions"], row["scores"], strict=True))
        good, bad = ([said for said, score in scored if (score > 0.5) == right] for right in (True, False))
        pairs += [{"prompt": row["prompt"], "chosen": g, "rejected": b} for g in good for b in bad]
    return compared(pairs)


def learned(problem: int, actions: Sequence[int], since: int = 0) -> Side:
    """An answer of which the steps from ``since`` on are learned."""
    return Side((problem,), tuple(actions), tuple(t >= since for t in range(len(actions))))


class _Counting:
    """A policy that counts the steps that it draws."""

    def __init__(self, policy: TablePolicy) -> None:
        self.policy, self.tree, self.drawn = policy, policy.tree, 0

    def sample(self, *asked: Any) -> Any:
        found = self.policy.sample(*asked)
        self.drawn += int(found.mask.sum())
        return found
