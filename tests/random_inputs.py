"""Random arguments for a part of the tensor rooms, drawn by name from the glossary's shapes."""

from typing import Any

import torch

from guerdon.quantities import GLOSSARY, Name

# Columns that are not in the glossary but that a part may read as a number per sequence.
_PER_ITEM = {"B", "N"}


def draw(name: str, batch: int, steps: int, rng: torch.Generator) -> torch.Tensor:
    """One argument: masks have at least one acted step per row, groups are pairs of rows, log-probabilities are negative."""
    base = Name.parse(name).quantity
    shape = GLOSSARY[base].shape if base in GLOSSARY else "B"
    if base == "mask":
        lengths = torch.randint(1, steps + 1, (batch, 1), generator=rng)
        return torch.arange(steps) < lengths
    if base in ("group", "prompt_id"):
        return torch.arange(batch) // 2
    if base == "actor":
        return torch.arange(batch) % 2
    if base == "action":  # few of them, so that sequences begin alike
        return torch.randint(0, 2, (batch, steps), generator=rng)
    if base == "top_action":  # three of them, the likeliest first
        return torch.rand(batch, steps, 4, generator=rng).argsort(-1)[..., :3]
    if base == "logits":  # of three next steps
        return torch.randn(batch, steps, 3, generator=rng, dtype=torch.float64)
    if base == "hidden":
        return torch.randn(batch, steps, 3, generator=rng, dtype=torch.float64)
    if base == "node":  # a group shares its first piece, and its two members part at the second step
        return torch.where(torch.arange(steps) > 0, 1 + torch.arange(batch).unsqueeze(-1) % 2, 0)
    if base == "forked":
        return torch.where(torch.arange(batch) % 2 == 1, 1, -1)
    if base == "agent":
        return (torch.arange(steps) % 2).expand(batch, steps).clone()
    if base == "share":
        return torch.full((batch,), 0.5, dtype=torch.float64)
    if base in ("greedy", "replayed"):
        return (torch.arange(batch) % 2).double()
    if base == "user":
        return torch.arange(batch) % 3
    if base == "segment":
        return (torch.rand(batch, steps, generator=rng) < 0.4).long().cumsum(-1)
    if base == "attempt":  # of three, of which one may be missing at either end
        return (torch.rand(batch, steps, generator=rng) < 0.4).long().cumsum(-1).clamp(max=2)
    if base == "attempt_reward":
        return torch.randn(batch, 3, generator=rng, dtype=torch.float64)
    if base == "attribute_quantile_score":  # of two qualities
        return torch.randn(batch, 2, steps, generator=rng, dtype=torch.float64)
    if base == "category":  # one of as many classes as there are steps, which is what other shapes are drawn with
        return torch.randint(0, steps, (batch,), generator=rng)
    if base == "length":
        return torch.randint(1, steps + 1, (batch,), generator=rng).double()
    if base in ("terminated", "label"):
        return (torch.rand(batch, generator=rng) < 0.5).double()
    size = (batch,) if shape in _PER_ITEM else (batch, steps)
    x = torch.randn(size, generator=rng, dtype=torch.float64)
    if base == "mixture_logp":
        return x.log_softmax(-1)
    if base == "logp":
        return -0.7 * x.abs() - 0.05
    if base in ("top_logp", "seen_top_logp", "shared_top_logp"):
        return -torch.rand(batch, steps, 3, generator=rng, dtype=torch.float64).cumsum(-1)
    if base in (
        "entropy",
        "trimmed_entropy",
        "collision_entropy",
        "self_certainty",
        "kl",
        "forward_kl",
        "jensen_shannon",
        "sorted_gap",
        "weight",
        "cost",
    ):
        return x.abs()
    return x


def arguments(names: frozenset[str], batch: int = 6, steps: int = 5, seed: int = 0) -> dict[str, Any]:
    """Arguments for every name; all views of one side share its mask."""
    rng = torch.Generator().manual_seed(seed)
    return {name: draw(name, batch, steps, rng) for name in sorted(names)}


def as_tensor(name: str, value: Any) -> torch.Tensor:
    """A witness's nested list as the tensor that the room's parts expect."""
    base = Name.parse(name).quantity
    if base == "mask":
        return torch.tensor(value, dtype=torch.bool)
    if base in ("actor", "group", "segment", "prompt_id", "user", "action", "agent", "top_action", "node", "forked", "attempt"):
        return torch.tensor(value, dtype=torch.long)
    return torch.tensor(value, dtype=torch.float64)
