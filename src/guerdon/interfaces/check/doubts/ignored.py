"""What the template is told and does not read: variables that change nothing."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from guerdon.interfaces.check.doubts import Doubt

if TYPE_CHECKING:
    from guerdon.interfaces.check.looking import Looked
    from guerdon.interfaces.preparing import Prepared


def look(prepared: "Prepared", looked: "Looked") -> Iterator[Doubt]:
    from guerdon.tasks.encoding import is_conversational, template_variables

    seen: set[str] = set()
    for index in looked.sides:
        row = looked.rows[index]
        messages = next((row[name] for name in ("prompt", "messages") if is_conversational(row.get(name)) and row[name]), None)
        variables = template_variables(row)
        for name in variables.keys() - seen - {"tools"}:
            seen.add(name)
            if messages is not None and not looked.encoder.reads(messages, name, **variables):
                yield Doubt(
                    f"the chat template does the same whatever {name!r} in column 'chat_template_kwargs' is ({variables[name]!r} in row {index}); check its name",
                    index,
                )
