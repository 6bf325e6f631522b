"""The template writes no generation prompt: the model has to say the head of its own turn."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from guerdon.interfaces.check.doubts import Doubt

if TYPE_CHECKING:
    from guerdon.interfaces.check.looking import Looked
    from guerdon.interfaces.preparing import Prepared


def look(prepared: "Prepared", looked: "Looked") -> Iterator[Doubt]:
    from guerdon.tasks.encoding import is_conversational, template_variables

    for index in looked.sides:
        row = looked.rows[index]
        messages = next((row[name] for name in ("prompt", "messages") if is_conversational(row.get(name)) and row[name]), None)
        if messages is None:
            continue
        head = looked.encoder.head(messages, **template_variables(row))
        if head:
            yield Doubt(
                f"the chat template writes no generation prompt, or not all of it: the model has to say {head!r} itself before its words; have the template write "
                "it where add_generation_prompt is set",
                index,
            )
        return  # one template writes all rows
