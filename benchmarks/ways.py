"""How a model's sequences can attend on this machine, and how long each way takes: what our jobs choose by (``guerdon.models.language.attentions``)."""

from dataclasses import asdict
from typing import Any

from guerdon.costs.arithmetic import Shape

KINDS = {"of shared contexts": True, "of others": False}


def measured(shape: Shape, device: str = "cpu") -> dict[str, dict[str, Any]]:
    """In bfloat16, forward and backward: seconds of each way, why others were not timed, and which is taken. On a card they are those by which a run chooses,
    measured now or before."""
    import torch

    from guerdon.models.language.attentions import Asked, _choosing
    from guerdon.models.language.layout import Shape as Heads

    found = {}
    for name, shared in KINDS.items():
        kind = Asked(torch.device(device), torch.bfloat16, Heads(shape.heads, shape.key_heads), shape.head_size, shared)
        trial = _choosing.tried(kind)
        if device == "cpu":  # where a run takes the first that can, and nothing is timed
            trial = _choosing.measured(kind, [name for name in _choosing.ways() if name not in trial.refused], trial.refused)
        found[name] = asdict(trial)
    return found
