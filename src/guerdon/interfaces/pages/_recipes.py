"""The recipes that have a name."""

import importlib
import pkgutil

from guerdon.interfaces.pages._markdown import first_line, joined, prose, table
from guerdon.parts import describe


def recipe_pages() -> dict[str, str]:
    """One page with every recipe."""
    import guerdon.recipes as package

    names = [info.name for info in pkgutil.iter_modules(package.__path__) if not info.name.startswith("_")]
    modules = {name: importlib.import_module(f"guerdon.recipes.{name}") for name in names}
    rows = [(f"[`{name}`](#{name})", first_line(module.__doc__ or "")) for name, module in modules.items()]
    blocks = []
    for name, module in modules.items():
        summary, _, rest = (module.__doc__ or "").strip().partition("\n")
        blocks += [f"## {name} {{ #{name} }}", f"*{summary}*", prose(rest), f"```python\n{_laid_out(module.recipe)}\n```"]
    return {
        "recipes.md": joined(
            "# Recipes",
            "A recipe composes parts. It is a value: `recipe: NAME` in a YAML file, `from guerdon.recipes.NAME import recipe` in Python, and "
            "`guerdon show NAME` prints all the code that it runs. Only what differs from the defaults is written below.",
            table(("name", "idea"), rows),
            *blocks,
        )
    }


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
