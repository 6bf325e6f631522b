"""``guerdon fit``: fit a model to data (demonstrations, pairs, labels)."""

from guerdon.interfaces.cli._arguments import File, Json, Overrides

NEEDS_ARGUMENTS = True


def command(file: File, overrides: Overrides = None, json: Json = False) -> None:
    """Fit a model to data: SFT, a reward model, DPO. Started again, it goes on from its last checkpoint.

    Example: [bold]guerdon fit run.yaml recipe=dpo beta=0.05 budget.steps=200[/bold]
    """
    from guerdon.interfaces.cli._loops import loop

    loop(file, overrides or [], "fit", json)
