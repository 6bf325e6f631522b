"""``guerdon report``: write the HTML page on a run again."""

from pathlib import Path
from typing import Annotated

import typer

from guerdon.interfaces.cli._arguments import Json

NEEDS_ARGUMENTS = True


def command(run: Annotated[Path, typer.Argument(help="The folder of a run.", show_default=False)], json: Json = False) -> None:
    """Write the HTML page on a run, finished or not.

    Example: [bold]guerdon report runs/sort_letters[/bold]
    """
    from guerdon.errors import InputError
    from guerdon.interfaces.cli._printing import as_json
    from guerdon.interfaces.report import write

    if not run.is_dir():
        raise InputError(f"there is no folder {run}")
    page = write(run)
    if json:
        as_json({"report": str(page)})
    else:
        typer.echo(str(page))
