"""How long rows are, and how many do not fit."""

from typing import Any

from guerdon.interfaces.preparing import Prepared
from guerdon.tasks.encoding import Encoder

_MOST = 1000


def look(prepared: Prepared, warnings: list[str]) -> dict[str, Any]:
    """Tokens of prompts (of whole rows, where rows are fitted to), on at most a thousand rows spread over all."""
    from guerdon.data.formats._detect import detect
    from guerdon.tasks.rows import at_row

    rows = prepared.task.train()
    some = range(0, len(rows), max(1, -(-len(rows) // _MOST)))
    free = Encoder(prepared.encoder.tokenizer)  # without a bound
    length = getattr(prepared.model, "context_length", None)
    room = prepared.room if prepared.loop == "improve" else length
    sizes, over = [], 0
    for index in some:
        row = rows[index]
        with at_row(index, "the training rows"):
            if prepared.loop == "improve":
                size = len(free.encode_prompt(row["prompt"], **row.get("chat_template_kwargs", {})))
                too_long = room is not None and size > room
            else:
                sides = detect(row)(row, free).sides.values()
                size = max(len(side.context) + len(side.actions) for side in sides)
                too_long = any(_does_not_fit(prepared, side, room) for side in sides)
        sizes.append(size)
        over += too_long
    what = "prompts" if prepared.loop == "improve" else "rows"
    if over:
        how = prepared.settings.encoding.truncate
        said = (
            f"they are cut (encoding.truncate: {how})" if how else "they are refused; set encoding.truncate to prompt, completion or drop"
        )
        warnings.append(f"{over} of {len(sizes)} {what} are longer than the {room} tokens there are for them: {said}")
    ordered = sorted(sizes)
    return {
        "what": what,
        "looked_at": len(sizes),
        "rows": len(rows),
        "median": ordered[len(ordered) // 2],
        "longest": ordered[-1],
        "room": room,
        "too_long": over,
    }


def _does_not_fit(prepared: Prepared, side: Any, room: int | None) -> bool:
    prompt = prepared.settings.encoding.max_prompt_length
    whole = len(side.context) + len(side.actions)
    return (room is not None and whole > room) or (prompt is not None and len(side.context) > prompt)
