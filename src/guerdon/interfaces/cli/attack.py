"""``guerdon attack``: how a reward can be exploited, before a policy finds out."""

from pathlib import Path
from typing import Annotated

import typer

from guerdon.interfaces.cli._arguments import Json

NEEDS_ARGUMENTS = True

POLICY, RUN = "With a policy", "A run against the reward"


def command(
    model: Annotated[
        str,
        typer.Argument(
            help="A trained reward model (folder, hub id, or http://... where it is served), file.py:function, or a reward by its name or as {part: NAME, ...}.",
            show_default=False,
        ),
    ],
    rows: Annotated[
        str,
        typer.Argument(
            help="Prompts, with good and bad answers where there are: pairs, candidates, answers, or prompts alone.", show_default=False
        ),
    ],
    gold: Annotated[
        str | None,
        typer.Option(help="A reward that is right, or nearly; named as MODEL is. Says where the two part.", show_default=False),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="The folder for the page and everything found; default: runs/attack-NAME. There it also goes on.", show_default=False
        ),
    ] = None,
    most: Annotated[int, typer.Option("--rows", min=1, help="So many rows, drawn.")] = 100,
    chat: Annotated[bool, typer.Option("--chat", help="Plain texts are turns of a conversation: the chat templates write them.")] = False,
    policy: Annotated[
        str | None,
        typer.Option(
            help="A language model whose answers are chosen from, and which learns. Default: candidates are those of the rows.",
            show_default=False,
            rich_help_panel=POLICY,
        ),
    ] = None,
    n: Annotated[int, typer.Option("-n", min=2, help="Answers of the policy to each prompt.", rich_help_panel=POLICY)] = 16,
    temperature: Annotated[float, typer.Option(min=0.01, help="At which it answers.", rich_help_panel=POLICY)] = 1.0,
    max_completion_length: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Tokens after which an answer is cut off. Default: 128, or half the model's context.",
            show_default=False,
            rich_help_panel=POLICY,
        ),
    ] = None,
    steps: Annotated[
        int, typer.Option(min=0, help="So many steps of reinforcement learning against the reward; 0: none.", rich_help_panel=RUN)
    ] = 0,
    learning_rate: Annotated[float, typer.Option(min=0.0, help="Of the adapters that learn.", rich_help_panel=RUN)] = 2e-4,
    batch_size: Annotated[int, typer.Option(min=1, help="Prompts of a step.", rich_help_panel=RUN)] = 8,
    seed: Annotated[int, typer.Option(help="Of whatever is drawn.")] = 0,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1 ...")] = "auto",
    json: Json = False,
) -> None:
    """Attack a reward: texts that make no answer better, the best of N answers of a policy, and a short run that learns from it; where a gold reward is known, the KL at which the
    two part.

    Example: [bold]guerdon attack runs/reward_model/model pairs.jsonl[/bold]

    Example: [bold]guerdon attack rewards.py:mine prompts.jsonl --policy runs/sft/model --gold math_equivalence --steps 100[/bold]
    """
    from guerdon.interfaces.attacking import Asked, attack
    from guerdon.interfaces.attacking.page import write
    from guerdon.interfaces.attacking.tables import show
    from guerdon.interfaces.cli._printing import as_json, asides, console
    from guerdon.training.drive import Interrupted

    pages: list[Path] = []

    def tell(found):
        pages[:] = [write(found, Path(found["folder"]) / "report.html")]

    asked = Asked(
        out,
        gold or "",
        policy or "",
        n,
        steps,
        most,
        temperature,
        max_completion_length,
        learning_rate,
        batch_size,
        chat,
        device,
        seed,
        json,
    )
    try:
        found = attack(model, rows, asked, tell)
    except (KeyboardInterrupt, Interrupted):
        typer.echo("what was found so far is kept: the same command goes on", err=True)
        raise
    if json:
        as_json(found | {"report": str(pages[0])})
        return
    show(found, console)
    asides(found)
    typer.echo(f"written: {pages[0]}", err=True)
