"""How a battle of two models is told: which columns say what each answered, and who won."""

from collections.abc import Mapping
from typing import Any


def is_battle(row: Mapping[str, Any]) -> bool:
    """Two conversations and a winner; or two responses and a column for each way in which it can end."""
    talks = "winner" in row and "conversation_a" in row and "conversation_b" in row
    return talks or all(name in row for name in ("response_a", "response_b", "winner_model_a", "winner_model_b"))
