"""What the model will see of a few rows, token by token, and which of the tokens are trained."""

from typing import Any

from guerdon.interfaces.preparing import Prepared
from guerdon.sequences import Side
from guerdon.tasks.rows import at_row


def look(prepared: Prepared, rows: int) -> list[dict[str, Any]]:
    """For each of the first rows: by side, the tokens with whether they are trained. Of a loop that acts there is only the prompt: what is
    trained is what the policy will answer."""
    from guerdon.data.formats._detect import detect

    found = []
    train = prepared.task.train()
    for index in range(min(rows, len(train))):
        row = train[index]
        with at_row(index, "the training rows"):
            if prepared.loop == "improve":
                context = prepared.encoder.encode_prompt(row["prompt"], **row.get("chat_template_kwargs", {}))
                sides = {"prompt": Side(context, (), ())}
            else:
                sides = detect(row)(row, prepared.encoder).sides
        found.append({"row": index, "sides": {name or "row": spelled(prepared, side) for name, side in sides.items()}})
    return found


def spelled(prepared: Prepared, side: Side) -> list[dict[str, Any]]:
    """Each token of a side as text, with whether it is trained."""
    ids = [*side.context, *side.actions]
    trained = [False] * len(side.context) + [bool(m) for m in side.mask]
    return [{"text": prepared.encoder.decode([i], special=True), "id": int(i), "trained": t} for i, t in zip(ids, trained, strict=True)]
