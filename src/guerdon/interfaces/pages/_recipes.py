"""The recipes that have a name."""

import importlib
import pkgutil
from typing import Any

from guerdon.interfaces.pages._markdown import first_line, joined, prose, table
from guerdon.parts import describe
from guerdon.targets import Optimum, Target, targets_of


def recipe_pages() -> dict[str, str]:
    """One page with every recipe."""
    import guerdon.recipes as package

    names = [info.name for info in pkgutil.iter_modules(package.__path__) if not info.name.startswith("_")]
    modules = {name: importlib.import_module(f"guerdon.recipes.{name}") for name in names}
    rows = [(f"[`{name}`](#{name})", first_line(module.__doc__ or "")) for name, module in modules.items()]
    blocks = []
    for name, module in modules.items():
        summary, _, rest = (module.__doc__ or "").strip().partition("\n")
        blocks += [
            f"## {name} {{ #{name} }}",
            f"*{summary}*",
            prose(rest),
            f"```python\n{_laid_out(module.recipe)}\n```",
            *_held_to(module),
        ]
    return {
        "recipes.md": joined(
            "# Recipes",
            "A recipe composes parts. It is a value: `recipe: NAME` in a YAML file, `from guerdon.recipes.NAME import recipe` in Python, and "
            "`guerdon show NAME` prints all the code that it runs. Only what differs from the defaults is written below.",
            "Under each stands what the tests hold it to (`guerdon.targets`): the objective that one step of its loop lowers, in worlds that can be enumerated, with "
            "every penalty and baseline switched on; or the policy at which it stands still.",
            table(("name", "idea"), rows),
            *blocks,
        )
    }


def _held_to(module: Any) -> list[str]:
    """What the recipe minimises, or why that is not written down."""
    found = targets_of(module)
    if not found:
        return [f"No target: {module.no_target}"]
    said = [(target, "stands still at the best of" if isinstance(target, Optimum) else "minimises") for target in found]
    return ["\n".join(f"* {'a variant ' if target.recipe else ''}{how}: `{target.says}`{_left_open(target)}" for target, how in said)]


def _left_open(target: Target | Optimum) -> str:
    why = getattr(target, "up_to", None)
    return f" (up to a positive factor: {why})" if why else ""


def _laid_out(recipe: object) -> str:
    """The recipe as one would write it, with a line for each field."""
    import dataclasses

    lines = []
    for field in dataclasses.fields(recipe):
        value = getattr(recipe, field.name)
        default = (
            field.default
            if field.default is not dataclasses.MISSING
            else field.default_factory()
            if callable(field.default_factory)
            else None
        )
        if (field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING) or value != default:
            lines.append(f"    {field.name}={_text(value)},")
    return "\n".join(["Recipe(", *lines, ")"])


def _text(value: object) -> str:
    if isinstance(value, tuple):
        return "(" + "".join(f"{_text(v)}, " for v in value).rstrip(" " if len(value) == 1 else ", ") + ")"
    if hasattr(value, "items"):
        return "{" + ", ".join(f"{k!r}: {_text(v)}" for k, v in value.items()) + "}"
    return describe(value) if hasattr(value, "__dataclass_fields__") else repr(value)
