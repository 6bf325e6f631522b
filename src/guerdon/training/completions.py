"""Completions: the lines of ``completions.jsonl``, in which a run keeps what was said and what it was worth.

``place`` numbers the completions of a step, from 0, those of the evaluation by themselves. What runs along the tokens and changes seldom is written in pieces,
``[[value, how many tokens], ...]``: ``node`` of a tree, ``segment``, ``turn``, ``attempt``, ``agent``, and ``mask`` where the policy did not say all of it.
"""

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from guerdon.sequences import Sequences
from guerdon.training.judging import Judged

_NUMBERS = {"hinted": bool, "version": int, "forked": int, "share": float}  # of a completion, where they are recorded
_PIECES = ("node", "segment", "turn", "attempt", "agent")


def completion_row(rollouts: Sequences, judged: Judged, valid: Tensor, b: int, place: int) -> dict[str, Any]:
    """One line of ``completions.jsonl``."""
    q, n = rollouts.quantities, int(rollouts.length[b])
    along = {name: q[name][b, :n] for name in _PIECES if name in q}
    if not rollouts.mask[b, :n].all():
        along["mask"] = rollouts.mask[b, :n]
    return {
        "place": place,
        "prompt": judged.prompts[b],
        "completion": judged.completions[b],
        "reward": _number(q["reward"][b]),
        "components": {k.removeprefix("component_"): _number(v[b]) for k, v in q.items() if k.startswith("component_")},
        **_words(judged.scored.said, b),
        "valid": bool(valid[b]),
        "error": judged.scored.errors[b],
        "tokens": rollouts.actions[b, :n].tolist(),
        "logp": [round(x, 5) for x in q["old_logp"][b, :n].tolist()] if "old_logp" in q else None,
        "terminated": bool(q["terminated"][b]) if "terminated" in q else None,
        **({"turn_rewards": _by_turn(q["turn_reward"][b], q["turn"][b], rollouts.mask[b])} if "turn_reward" in q else {}),
        **{name: kind(q[name][b]) for name, kind in _NUMBERS.items() if name in q},
        **{name: in_pieces(values) for name, values in along.items()},
    }


def in_pieces(values: Tensor) -> list[list[Any]]:
    """Runs of equal values: each with how long it is."""
    found, counts = values.unique_consecutive(return_counts=True)
    return [list(piece) for piece in zip(found.tolist(), counts.tolist(), strict=True)]


def _by_turn(reward: Tensor, turn: Tensor, mask: Tensor) -> list[float]:
    """What each turn earned."""
    turns = int(turn[mask].max()) + 1 if mask.any() else 0
    return [float(reward[mask & (turn == k)].sum()) for k in range(turns)]


def _words(said: Mapping[str, list[str]], b: int) -> dict[str, dict[str, str]]:
    """What was said of a completion in words, by the component that it is about: a judge's text beside its verdict."""
    own = {name: texts[b] for name, texts in said.items() if texts[b]}
    return {"said": own} if own else {}


def _number(x: Tensor) -> float | None:
    """JSON has no NaN: what does not apply is null."""
    return float(x) if x.isfinite() else None
