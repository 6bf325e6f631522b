"""The help of a command on a narrow terminal: every option on a line of its own, what it means beneath.

Beside one another, in 80 columns, the name of an option is cut off in the middle by the words about it, and a name that is cut off cannot be typed.
"""

from typing import Any

from typer.core import TyperCommand

WIDE = 100  # columns from which names, types and words have room beside one another


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
