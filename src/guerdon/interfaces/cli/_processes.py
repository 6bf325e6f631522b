"""A command that is on as many processes as its configuration says, or as were started."""

import contextlib
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any


@contextlib.contextmanager
def on_processes(path: Path, overrides: Sequence[str]) -> Iterator[tuple[Any, Any]]:
    """The configuration, and the processes that the command is on while it is in here."""
    from guerdon.interfaces.configuration import read
    from guerdon.processes import joined

    with joined() as processes:
        configuration = processes.at_once(lambda: read(path, overrides))
        if configuration.budget.processes not in (1, processes.count):
            _on_many(configuration, processes.count)
        yield configuration, processes


def _on_many(configuration: Any, there: int) -> None:
    """Start this command as so many processes, where the placement says or on this machine, and end as they do.

    Raises:
        InputError: it is one of another number already.
    """
    from typer import Exit

    from guerdon.errors import InputError
    from guerdon.interfaces.launching import launch, on_this_machine

    wanted, placement = configuration.budget.processes, configuration.placement
    if there > 1:
        raise InputError(f"budget.processes is {wanted}, and {there} processes were started; leave it out, or start {wanted}")
    elsewhere = placement.starting(wanted) if getattr(placement, "learners", False) else contextlib.nullcontext(on_this_machine)
    with elsewhere as start:
        code = launch(wanted, [sys.executable, "-m", "guerdon", *sys.argv[1:]], start)
    raise Exit(code)


def idle(rows: int, count: int) -> list[str]:
    """What is to be said where a step has fewer rows than there are processes."""
    if rows >= count:
        return []
    return [
        f"{count} processes, and a step has {rows} row{'s' * (rows > 1)} (budget.batch_size): {count - rows} of them have none of their own in it"
    ]
