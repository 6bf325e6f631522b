"""Tree: the answers to one prompt as branches: what several have in common stands once, and each goes on where it parted.

Two steps are the same where the same token stands behind the same beginning and, where the sampler recorded which piece of its tree a step belongs to (``node``), in the same
piece. So answers of a sampler that forks part where they were forked, and independent ones where they first differ.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from guerdon.interfaces.viewing.rows import number


@dataclass(frozen=True)
class Leaf:
    """An answer: by which it is asked for, its steps, what it was worth, and for how much of the prompt's answers it stands."""

    key: Mapping[str, Any]
    steps: tuple[tuple[int, int], ...]  # piece and token
    reward: float | None
    share: float


def leaf(row: Mapping[str, Any], key: Mapping[str, Any]) -> Leaf:
    """A row of ``completions.jsonl``."""
    tokens = [token for token in row.get("tokens") or () if isinstance(token, int)]
    pieces = row.get("node")
    try:
        nodes = [node for node, count in pieces for _ in range(count)] if pieces else []
    except (TypeError, ValueError):
        nodes = []
    nodes = nodes if len(nodes) == len(tokens) else [0] * len(tokens)
    reward = number(row.get("reward")) if row.get("valid", True) else None
    share = number(row.get("share"))
    return Leaf(key, tuple(zip(nodes, tokens, strict=True)), reward, 1.0 if share is None else share)


def branches(leaves: Sequence[Leaf], text: Callable[[list[int]], str]) -> dict[str, Any]:
    """The tree: {"text", "tokens", "reward", "answers", "ends": [key], "children": [...]}; ``reward`` is the mean over the answers below, by their share.

    ``text``: of tokens.
    """
    return _branch(list(leaves), 0, text)


def _branch(leaves: list[Leaf], begun: int, text: Callable[[list[int]], str]) -> dict[str, Any]:
    end = _common(leaves, begun)
    said = [token for _, token in leaves[0].steps[begun:end]] if leaves else []
    parted: dict[tuple[int, int], list[Leaf]] = {}
    for own in leaves:
        if len(own.steps) > end:
            parted.setdefault(own.steps[end], []).append(own)
    judged = [own for own in leaves if own.reward is not None]
    weight = sum(own.share for own in judged)
    return {
        "text": text(said),
        "tokens": len(said),
        "answers": len(leaves),
        "reward": sum(own.share * own.reward for own in judged) / weight if weight else None,
        "ends": [{**own.key, "reward": own.reward} for own in leaves if len(own.steps) == end],
        "children": [_branch(own, end, text) for own in parted.values()],
    }


def _common(leaves: Sequence[Leaf], begun: int) -> int:
    """Up to which step they are the same."""
    if not leaves:
        return begun
    shortest = min(len(own.steps) for own in leaves)
    end = begun
    while end < shortest and all(own.steps[end] == leaves[0].steps[end] for own in leaves[1:]):
        end += 1
    return end
