"""Help: of a command on a narrow terminal, and for who types the name of an option where a command belongs.

Beside one another, in 80 columns, the name of an option is cut off in the middle by the words about it, and a name that is cut off cannot be typed. So
every option has a line of its own there, and what it means beneath.
"""

from typing import Any

from typer.core import TyperCommand, TyperGroup

WIDE = 100  # columns from which names, types and words have room beside one another


class Commands(TyperGroup):
    """A folder of commands. ``guerdon version`` and ``guerdon help train`` are told what to type instead."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        option = f"--{args[0].lstrip('-')}"
        if args[0] not in self.commands and any(parameter.is_eager and option in parameter.opts for parameter in self.get_params(ctx)):
            about = f" {args[1]}" if option in self.get_help_option_names(ctx) and args[1:2] and args[1] in self.commands else ""
            ctx.fail(f"No such command {args[0]!r}: type '{ctx.command_path}{about} {option}'.")
        return super().resolve_command(ctx, args)


class Command(TyperCommand):
    def format_help(self, ctx: Any, formatter: Any) -> None:
        from rich.console import Console, Group
        from rich.padding import Padding
        from rich.panel import Panel
        from rich.text import Text

        console = Console(highlight=False)
        if console.width >= WIDE:
            super().format_help(ctx, formatter)
            return
        console.print(Padding(Text(self.get_usage(ctx), style="bold"), 1))
        for paragraph in (self.help or "").split("\n\n"):
            console.print(Padding(Text.from_markup(" ".join(paragraph.split())), (0, 1, 1, 1)))
        entries: dict[str, list[Any]] = {"Arguments": [], "Options": []}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is not None:
                names, words = record
                shown = Text(names, style="bold cyan"), Padding(Text(" ".join(words.split())), (0, 0, 0, 4))
                entries["Arguments" if parameter.param_type_name == "argument" else "Options"].extend(shown)
        for title, lines in entries.items():
            if lines:
                console.print(Panel(Group(*lines), title=title, title_align="left", border_style="dim"))
