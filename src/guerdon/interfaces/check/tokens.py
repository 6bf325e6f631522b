"""What the model will see of a few rows, token by token, and which of the tokens are trained."""

from typing import Any

from guerdon.errors import InputError
from guerdon.interfaces.check.looking import sides_of, unbounded
from guerdon.interfaces.preparing import Prepared
from guerdon.sequences import Side
from guerdon.tasks.rows import at_row


def look(prepared: Prepared, rows: int) -> list[dict[str, Any]]:
    """For each of the first rows: by side, the tokens with whether they are trained. Of a loop that acts there is only the prompt: what is
    trained is what the policy will answer."""
    some = range(min(rows, len(prepared.rows)))
    return [{"row": index, "sides": of_row(prepared, index)} for index in some]


def of_row(prepared: Prepared, index: int) -> dict[str, list[dict[str, Any]]]:
    """By side, the tokens of one training row; all of them where it does not fit and nothing says how to cut it."""
    row = prepared.rows[index]
    with at_row(index, "the training rows"):
        try:
            sides = sides_of(prepared, row, prepared.encoder)
        except InputError:
            sides = {}
        if not sides:
            sides = sides_of(prepared, row, unbounded(prepared.encoder))
    return {name or "row": spelled(prepared, side) for name, side in sides.items()}


def spelled(prepared: Prepared, side: Side | tuple[Side, ...]) -> list[dict[str, Any]]:
    """Each token of a side as text, with whether it is trained; of several sequences one after the other."""
    if isinstance(side, tuple):
        return [token for one in side for token in spelled(prepared, one)]
    ids = [*side.context, *side.actions]
    trained = [False] * len(side.context) + [bool(m) for m in side.mask]
    return [{"text": prepared.encoder.decode([i], special=True), "id": int(i), "trained": t} for i, t in zip(ids, trained, strict=True)]
