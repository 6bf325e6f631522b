"""What ``guerdon check`` says of episodes."""

from collections.abc import Mapping
from typing import Any


def shown(found: Mapping[str, Any]) -> str:
    """Figures, and one episode in words."""
    figures, tokens = found["figures"], found["tokens"]
    reward = "none" if found["reward"] is None else f"{found['reward']:.3g}"
    lines = [
        f"episodes: {found['episodes']} of {found['rows']} rows, {found['seconds']:.1f} s, reward {reward}, "
        f"{found['teach_nothing']:.0%} of the rows teach nothing",
        f"  turns {figures.get('turns', 0):.1f} of at most {found['most_turns']}, {figures.get('over', 0):.0%} come to their end",
        f"  tokens: prompt {tokens['prompt']:.0f}, said {tokens['said']:.0f}, told {tokens['told']:.0f}; the longest {tokens['longest']} of {tokens['room']}",
    ]
    if figures.get("calls"):
        lines.append(f"  calls of tools {figures['calls']:.1f}, of which {figures['calls_wrong']:.1f} could not be read")
    own = {
        name: value
        for name, value in figures.items()
        if name not in ("turns", "over", "calls", "calls_wrong", "failed", "no_room", "shortened")
    }
    if own:
        lines.append("  " + ", ".join(f"{name} {value:.3g}" for name, value in own.items()))
    return "\n".join([*lines, *(f"  {who}: {text}" for who, text in found["example"])])
