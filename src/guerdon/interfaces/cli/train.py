"""``guerdon train``: improve a policy by its rewards, or run the stages of a pipeline."""

from guerdon.interfaces.cli._arguments import File, Json, Overrides

NEEDS_ARGUMENTS = True


def command(file: File, overrides: Overrides = None, json: Json = False) -> None:
    """Improve a policy by its rewards (or run the stages that the file lists). Started again, it goes on from its last checkpoint.

    Example: [bold]guerdon train run.yaml recipe=dapo learning_rate=1e-5 num_generations=4[/bold]
    """
    from guerdon.interfaces.cli._loops import loop

    loop(file, overrides or [], "improve", json)
