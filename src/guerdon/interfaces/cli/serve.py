"""``guerdon serve``: what was trained, over HTTP."""

from pathlib import Path
from typing import Annotated

import typer

from guerdon.interfaces.cli._arguments import written_out
from guerdon.interfaces.cli._help import Command, Commands

group = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    rich_markup_mode="rich",
    help="Serve what was trained, over HTTP.\n\nExample: [bold]guerdon serve reward runs/reward_model/model --port 8000[/bold]",
)
VARIABLE = "GUERDON_SERVE_TOKENS"
_OWN = None  # an option that was not given: the default is written where the settings are


@group.command(cls=Command, no_args_is_help=True)
def reward(
    model: Annotated[
        str, typer.Argument(help="A trained scorer: a folder or a hub id; or a YAML file with a model that scores.", show_default=False)
    ],
    overrides: Annotated[list[str] | None, typer.Argument(help="Overrides of the YAML file, such as model.trained=FOLDER.")] = None,
    host: Annotated[str, typer.Option(help="Where it listens: this machine alone, or 0.0.0.0 for all who have a token.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes one that is free.")] = 8000,
    token_file: Annotated[
        Path | None,
        typer.Option(
            help=f"Who may ask: lines with a token each, or a name and a token. Without it, what {VARIABLE} holds.", show_default=False
        ),
    ] = None,
    name: Annotated[str, typer.Option(help="A name by which the model is asked for.", show_default=False)] = "",
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1 ...")] = "auto",
    dtype: Annotated[str, typer.Option(help="float32, bfloat16, float16 or auto.")] = "float32",
    steps: Annotated[
        str | None,
        typer.Option(help="The model scores steps: minimum, product, mean or last_step of them is the score.", show_default=False),
    ] = _OWN,
    separator: Annotated[str | None, typer.Option(help="What ends a step. Default: a line break.", show_default=False)] = _OWN,
    chat: Annotated[bool, typer.Option("--chat", help="Plain prompts and answers are turns of a conversation.")] = False,
    truncate: Annotated[
        str | None, typer.Option(help="prompt: drop the oldest tokens of what is too long, which is refused otherwise.", show_default=False)
    ] = _OWN,
    tokens_at_once: Annotated[int | None, typer.Option(help="Tokens that go through the model at once.", show_default=False)] = _OWN,
    wait: Annotated[float | None, typer.Option(help="Milliseconds that a text waits for company.", show_default=False)] = _OWN,
    most_texts: Annotated[int | None, typer.Option(help="Of one request.", show_default=False)] = _OWN,
    most_waiting: Annotated[int | None, typer.Option(help="Texts that may wait; who asks for more gets 503.", show_default=False)] = _OWN,
    most_requests: Annotated[int | None, typer.Option(help="Requests that may be open.", show_default=False)] = _OWN,
    most_bytes: Annotated[int | None, typer.Option(help="Of one request.", show_default=False)] = _OWN,
    timeout: Annotated[float | None, typer.Option(help="Seconds that a request may take.", show_default=False)] = _OWN,
) -> None:
    """Serve a trained reward model: requests of all clients are scored together, in the shapes of vLLM, rerankers, TRL, OpenRLHF, verl and slime.

    Example: [bold]guerdon serve reward runs/reward_model/model --host 0.0.0.0 --token-file tokens.txt[/bold]
    """
    from guerdon.catalogue import resolve
    from guerdon.errors import InputError
    from guerdon.interfaces.serving import Settings, serve_reward
    from guerdon.interfaces.web import address, tokens_of

    try:
        aggregate = None if steps is None else resolve(steps, "feedback.aggregating")()
    except LookupError as error:
        raise InputError(f"--steps: {error.args[0]}") from error
    if separator is not None and steps is None:
        raise InputError("--separator is of steps; name with --steps what is made of them, or leave it out")
    given = {
        "steps": aggregate,
        "separator": written_out(separator),
        "chat": chat,
        "truncate": truncate,
        "tokens_at_once": tokens_at_once,
        "wait": wait,
        "most_texts": most_texts,
        "most_waiting": most_waiting,
        "most_requests": most_requests,
        "most_bytes": most_bytes,
        "timeout": timeout,
    }
    settings = Settings(**{key: value for key, value in given.items() if value is not _OWN})
    if overrides and Path(model).suffix not in (".yaml", ".yml"):
        raise InputError(f"{overrides[0]!r}: overrides are of a YAML file, and {model} is none")
    tokens = tokens_of(token_file, VARIABLE)
    serve_reward(model, address(host, port), tokens, settings, lambda said: print(said, flush=True), name, dtype, device, overrides or ())
