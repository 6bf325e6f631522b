"""``guerdon push``: a saved model to a hub."""

from pathlib import Path
from typing import Annotated

import typer

from guerdon.interfaces.cli._arguments import Json

NEEDS_ARGUMENTS = True


def command(
    folder: Annotated[Path, typer.Argument(help="The folder of a saved model, or of its run.", show_default=False)],
    name: Annotated[str, typer.Argument(help="OWNER/NAME on the hub.", show_default=False)],
    private: Annotated[bool, typer.Option("--private", help="Only its owner can see it, where it is made now.")] = False,
    message: Annotated[str, typer.Option(help="What the commit says.", show_default=False)] = "",
    json: Json = False,
) -> None:
    """Upload a saved model with its card. The token is HF_TOKEN or that of hf auth login; another hub is named by HF_ENDPOINT.

    Example: [bold]guerdon push runs/gsm8k somebody/smollm-gsm8k --private[/bold]
    """
    from guerdon.interfaces.cli._printing import as_json
    from guerdon.interfaces.pushing import push

    address = push(folder, name, private, message)
    if json:
        as_json({"address": address})
    else:
        typer.echo(address)
