"""Completions: the lines of ``completions.jsonl``, in which a run keeps what was said and what it was worth."""

from typing import Any

from torch import Tensor

from guerdon.sequences import Sequences
from guerdon.training.judging import Judged


def completion_row(rollouts: Sequences, judged: Judged, valid: Tensor, b: int) -> dict[str, Any]:
    """One line of ``completions.jsonl``."""
    q, n = rollouts.quantities, int(rollouts.length[b])
    return {
        "prompt": judged.prompts[b],
        "completion": judged.completions[b],
        "reward": _number(q["reward"][b]),
        "components": {k.removeprefix("component_"): _number(v[b]) for k, v in q.items() if k.startswith("component_")},
        "valid": bool(valid[b]),
        "error": judged.scored.errors[b],
        "tokens": rollouts.actions[b, :n].tolist(),
        "logp": [round(x, 5) for x in q["old_logp"][b, :n].tolist()] if "old_logp" in q else None,
        "terminated": bool(q["terminated"][b]) if "terminated" in q else None,
        **({"hinted": bool(q["hinted"][b])} if "hinted" in q else {}),
        **({"version": int(q["version"][b])} if "version" in q else {}),
    }


def _number(x: Tensor) -> float | None:
    """JSON has no NaN: what does not apply is null."""
    return float(x) if x.isfinite() else None
