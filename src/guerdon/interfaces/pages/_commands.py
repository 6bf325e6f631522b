"""The command line, from its own help."""

import re
from typing import Any

from guerdon.interfaces.pages._markdown import cell, code, joined, table


def command_pages() -> dict[str, str]:
    """One page with every command."""
    from guerdon.interfaces.cli import app

    return {
        "commands.md": joined(
            "# Commands",
            "Every command answers `--help`. Exit codes: 0 done, 1 failed, 2 the input is wrong; then one sentence says what, where, and what to do.",
            *(block for name, command in sorted(app().commands.items()) for block in _command(f"guerdon {name}", command)),
        )
    }


def _command(name: str, command: Any) -> list[str]:
    blocks = [f"## {name}", _help(command.help or "")]
    rows = []
    for parameter in command.params:
        if parameter.name == "help":
            continue
        shown = ", ".join(parameter.opts) if parameter.param_type_name == "option" else (parameter.name or "").upper()
        default = "" if parameter.default in (None, False, (), []) or callable(parameter.default) else code(parameter.default)
        rows.append((code(shown), cell(getattr(parameter, "help", "") or ""), "required" if parameter.required else default))
    blocks.append(table(("argument", "meaning", "default"), rows))
    for sub, inner in sorted(getattr(command, "commands", {}).items()):
        blocks += _command(f"{name} {sub}", inner)
    return blocks


def _help(text: str) -> str:
    text = re.sub(r"\[bold\](.*?)\[/bold\]", r"`\1`", text).replace("\f", "")
    return text.replace("<", "&lt;")
