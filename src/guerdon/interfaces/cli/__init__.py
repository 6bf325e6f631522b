"""The command line. A file of this folder is a command: its ``command`` function, or ``group``, a Typer with commands of its own.

Exit codes: 0 done, 1 failed (the run cannot go on, or something unexpected), 2 the input is wrong, 130 stopped at once. Nothing heavy is imported here or at
the top of a command's file, so that ``guerdon --help`` answers at once.
"""

import importlib
import inspect
import os
import pkgutil
import sys
from collections.abc import Callable
from typing import Annotated

import typer

from guerdon.errors import InputError, RunFailed
from guerdon.interfaces.cli._help import Command, Commands

FAILED, WRONG, STOPPED = 1, 2, 130  # 130 is what shells call the end by Ctrl-C


def main(arguments: list[str] | None = None) -> int:
    """Run a command and return its exit code. ``--debug`` anywhere, or GUERDON_DEBUG=1, shows tracebacks."""
    _share_the_processor()
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in arguments or os.environ.get("GUERDON_DEBUG", "") not in ("", "0")
    arguments = [a for a in arguments if a != "--debug"]
    try:
        code = app()(args=arguments, prog_name="guerdon", standalone_mode=False) or 0
        if code == STOPPED and _speaks():  # what typer makes of Ctrl-C
            _say("stopped")
        return code
    except Exception as error:
        if debug and not _is_usage(error):
            raise
        return _said(error)
    except KeyboardInterrupt:
        if _speaks():
            _say("stopped")
        return STOPPED


def _speaks() -> bool:
    """Whether this process says what all know: the first of several does."""
    return os.environ.get("RANK", "0") == "0"


def _share_the_processor() -> None:
    """Let a thread that waits for the others sleep after some ten microseconds, before torch is imported and reads this.

    GNU's OpenMP lets it spin for milliseconds, at every one of thousands of small operations a second. Beside another busy process, that made
    steps of a small model ten times slower.
    """
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", "1000")


def app() -> typer.Typer:
    """Every command of this folder."""
    whole = typer.Typer(
        cls=Commands,
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode="rich",
        pretty_exceptions_enable=False,
        help=_HELP,
        epilog=_EPILOG,
        context_settings={"help_option_names": ["--help", "-h"]},
    )
    whole.callback()(_options)
    for info in pkgutil.iter_modules(__path__):
        if info.name.startswith("_"):
            continue
        module = importlib.import_module(f"{__name__}.{info.name}")
        if hasattr(module, "group"):
            whole.add_typer(module.group, name=info.name)
        else:
            made = whole.command(
                info.name, cls=Command, short_help=_in_one_line(module.command), no_args_is_help=getattr(module, "NEEDS_ARGUMENTS", False)
            )
            made(module.command)
    return typer.main.get_command(whole)


def _in_one_line(command: Callable) -> str:
    """What a command does, for the list of commands, which breaks lines where the terminal ends and also where the source does."""
    return " ".join(inspect.getdoc(command).partition("\n\n")[0].split())


_HELP = "Learn from rewards, preferences and feedback."
_EPILOG = "Start here: [bold]guerdon demo[/bold], then [bold]guerdon check run.yaml[/bold] and [bold]guerdon train run.yaml[/bold]."


def _print_version(asked: bool) -> None:
    if asked:
        import guerdon

        typer.echo(guerdon.__version__)
        raise typer.Exit


def _options(
    version: Annotated[bool, typer.Option("--version", help="Print the version.", is_eager=True, callback=_print_version)] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> None:
    pass


def _is_usage(error: Exception) -> bool:
    return hasattr(error, "exit_code") and hasattr(error, "show")


def _said(error: Exception) -> int:
    """Print the sentence of an error and return the exit code for it."""
    if type(error).__name__ in ("Exit", "Abort"):
        return int(getattr(error, "exit_code", FAILED))
    if _is_usage(error):
        error.show()
        return WRONG
    if getattr(error, "told", False) and not _speaks():
        return WRONG if isinstance(error, InputError) else FAILED
    if isinstance(error, InputError):
        _say(str(error))
        return WRONG
    if isinstance(error, RunFailed):
        _say(str(error))
        return FAILED
    _say(f"something unexpected: {type(error).__name__}: {error}\n(the same command with --debug shows where)")
    return FAILED


def _say(sentence: str) -> None:
    from rich.console import Console
    from rich.text import Text

    Console(stderr=True).print(Text("guerdon: ", style="bold red") + Text(sentence), soft_wrap=True)
