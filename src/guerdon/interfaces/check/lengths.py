"""How long rows are, and how many do not fit."""

from typing import Any

from guerdon.interfaces.check.looking import Looked
from guerdon.interfaces.preparing import Prepared
from guerdon.sequences import Side


def look(prepared: Prepared, looked: Looked, warnings: list[str]) -> dict[str, Any]:
    """Tokens of prompts (of whole rows, where rows are fitted to)."""
    length = getattr(prepared.model, "context_length", None)
    room = prepared.room if prepared.loop == "improve" else length
    sizes: dict[int, int] = {}
    over = set()
    for index, _, side in looked.each():
        sizes[index] = max(sizes.get(index, 0), len(side.context) + len(side.actions))
        if _does_not_fit(prepared, side, room):
            over.add(index)
    what = "prompts" if prepared.loop == "improve" else "rows"
    if over:
        how = prepared.settings.encoding.truncate
        said = (
            f"they are cut (encoding.truncate: {how})" if how else "they are refused; set encoding.truncate to prompt, completion or drop"
        )
        warnings.append(f"{len(over)} of {len(sizes)} {what} are longer than the {room} tokens there are for them: {said}")
    ordered = sorted(sizes.values())
    return {
        "what": what,
        "looked_at": len(sizes),
        "rows": len(looked.rows),
        "median": ordered[len(ordered) // 2],
        "longest": ordered[-1],
        "room": room,
        "too_long": len(over),
    }


def _does_not_fit(prepared: Prepared, side: Side, room: int | None) -> bool:
    prompt = prepared.settings.encoding.max_prompt_length
    whole = len(side.context) + len(side.actions)
    return (room is not None and whole > room) or (prompt is not None and len(side.context) > prompt)
