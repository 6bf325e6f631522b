"""``guerdon view``: a page on runs, while they last and afterwards."""

from pathlib import Path
from typing import Annotated

import typer

from guerdon.interfaces.cli._arguments import Json

NEEDS_ARGUMENTS = True
VARIABLE = "GUERDON_VIEW_TOKENS"


def command(
    folders: Annotated[list[Path], typer.Argument(help="Folders of runs, or a folder in which runs lie.", show_default=False)],
    host: Annotated[str, typer.Option(help="Where it listens: this machine alone, or 0.0.0.0 for all who have a token.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: one that is free.")] = 8018,
    token_file: Annotated[
        Path | None,
        typer.Option(
            help=f"Who may look: lines with a token each, or a name and a token. Without it, what {VARIABLE} holds.", show_default=False
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Look at runs in a browser: curves side by side, every rollout, its tokens coloured by what is known of them, trees of branches. Goes on with runs that go on.

    Example: [bold]guerdon view runs/sort_letters[/bold]
    """
    import json as writer

    from guerdon.interfaces.viewing.app import OPEN, app
    from guerdon.interfaces.viewing.index import Index
    from guerdon.interfaces.viewing.runs import different, runs
    from guerdon.interfaces.viewing.showing import Shown
    from guerdon.interfaces.viewing.updating import updating
    from guerdon.interfaces.web import address, serve, tokens_of

    places, tokens = runs(folders), tokens_of(token_file, VARIABLE)
    at = address(host, port)
    shown = [Shown(place, Index(place.folder)) for place in places]

    def say(url: str) -> None:
        links = {who: f"{at.link}/enter?token={token}" for token, who in tokens.items()}
        if json:
            print(writer.dumps({"url": url, "links": links, "runs": [place.name for place in places]}), flush=True)
            return
        for who, link in links.items():
            print(f"{who}: {link}", flush=True)
        if not links:
            print(f"{len(places)} {'runs' if len(places) > 1 else 'run'} at {url}", flush=True)
        typer.echo("Ctrl-C ends; nothing in the runs is changed", err=True)

    with updating(shown):
        serve(app(shown, lambda: different([place.configuration() for place in places]), tokens), at, tokens, 2**20, say, OPEN)
