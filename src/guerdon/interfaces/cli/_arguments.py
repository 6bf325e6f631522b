"""Arguments that several commands have."""

from pathlib import Path
from typing import Annotated

import typer

File = Annotated[Path, typer.Argument(help="The YAML file of the run.", show_default=False)]
Overrides = Annotated[
    list[str] | None,
    typer.Argument(help="Overrides: section.key=value, or a common name such as learning_rate=1e-5.", show_default=False),
]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


def named(columns: list[str]) -> dict[str, str]:
    """What ``--column NEW=OLD`` says, each time that it is given."""
    from guerdon.errors import InputError

    found = {}
    for text in columns:
        new, equals, there = text.partition("=")
        if not equals or not new or not there:
            raise InputError(f"--column: {text!r} should be written NEW=OLD, such as prompt=question")
        found[new] = there
    return found


def written_out(text: str | None) -> str | None:
    r"""What was typed on a command line, with ``\n`` and ``\t`` as the characters that they stand for: a shell leaves them as they are within quotation marks."""
    return None if text is None else text.replace("\\n", "\n").replace("\\t", "\t")
