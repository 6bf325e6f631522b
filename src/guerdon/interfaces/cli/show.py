"""``guerdon show``: print the code that runs for a recipe, a system or a part."""

from typing import Annotated

import typer

NEEDS_ARGUMENTS = True


def command(name: Annotated[str, typer.Argument(help="A recipe, a system of the atlas or a part.", show_default=False)]) -> None:
    """Print the code that will actually run, from top to bottom, gathered from the files that hold it.

    Example: [bold]guerdon show grpo[/bold]
    """
    print(source(name))


def source(name: str) -> str:
    """The code of the recipe, system or part called ``name``.

    Raises:
        InputError: there is none; the nearest names are offered.
    """
    import importlib
    import inspect

    from guerdon.atlas import show, show_recipe, systems
    from guerdon.catalogue import catalogue, unknown
    from guerdon.errors import InputError
    from guerdon.interfaces.configuration import recipe_names

    stem = name.replace("-", "_")
    if stem in recipe_names():
        module = importlib.import_module(f"guerdon.recipes.{stem}")
        return f"{inspect.getsource(module).strip()}\n\n\n{show_recipe(module.recipe)}"
    slugs = [entry.slug for entry in systems()]
    if stem.replace("_", "-") in slugs:
        return show(name)
    found = [entry for entry in catalogue() if name in (entry.name, entry.path)]
    if not found:
        raise InputError(unknown("recipe, system or part", name, [*recipe_names(), *slugs, *(entry.name for entry in catalogue())]))
    return "\n\n\n".join(f"# {entry.path}\n\n{inspect.getsource(entry.module).strip()}" for entry in found)
