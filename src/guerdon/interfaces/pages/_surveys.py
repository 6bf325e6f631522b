"""Surveys: a taxonomy with the parts that fill each of its cells, and the cells that are empty."""

from collections.abc import Mapping

from guerdon.atlas import Entry, systems
from guerdon.catalogue import catalogue
from guerdon.errors import InputError
from guerdon.interfaces.pages._markdown import cell, first_line, joined, table

Taxonomy = Mapping[str, Mapping[str, tuple[str, ...]]]  # chapter → what it is made of → paths of parts


def survey_pages() -> dict[str, str]:
    """A page for every system that brings a ``taxonomy``."""
    taxonomies = {entry: getattr(entry.module, "taxonomy", None) for entry in systems()}
    return {f"surveys/{entry.slug}.md": _page(entry, taxonomy) for entry, taxonomy in taxonomies.items() if taxonomy}


def _page(entry: Entry, taxonomy: Taxonomy) -> str:
    cells = [parts for chapter in taxonomy.values() for parts in chapter.values()]
    empty = [(chapter, name) for chapter, names in taxonomy.items() for name, parts in names.items() if not parts]
    blocks = []
    for chapter, names in taxonomy.items():
        blocks += [f"## {chapter}", table(("what", "parts"), ((cell(name), _links(entry, parts)) for name, parts in names.items()))]
    return joined(
        f"# {entry.slug}",
        f"The map that [{cell(entry.system.title)}]({entry.system.link}) draws of the field, and what of it is in this house: "
        f"{len(cells) - len(empty)} of {len(cells)} cells have a part. Its experiment is in the [atlas](../atlas/{entry.slug}.md): "
        f"{first_line(entry.module.__doc__ or '')}",
        *blocks,
        "## Empty cells",
        "\n".join(f"- {chapter}: {cell(name)}" for chapter, name in empty) or "None.",
    )


def _links(entry: Entry, paths: tuple[str, ...]) -> str:
    return "<br>".join(_link(entry, path) for path in paths) or "*none yet*"


def _link(entry: Entry, path: str) -> str:
    for part in catalogue():
        if part.path == path:
            return f"[{path}](../parts/{part.room}.md#{part.name})"
    raise InputError(f"the taxonomy of {entry.slug} names {path!r}, and there is no such part")
