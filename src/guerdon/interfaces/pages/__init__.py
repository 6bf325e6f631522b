"""Pages of the documentation that are generated from the code: nothing that the code says is written down twice.

``pages()`` gives every page as Markdown by its path. The documentation's build adds them to the written ones.
"""

from guerdon.interfaces.pages._atlas import atlas_pages
from guerdon.interfaces.pages._commands import command_pages
from guerdon.interfaces.pages._parts import part_pages
from guerdon.interfaces.pages._recipes import recipe_pages
from guerdon.interfaces.pages._surveys import survey_pages
from guerdon.interfaces.pages._verdicts import verdicts

__all__ = ["pages", "verdicts"]


def pages() -> dict[str, str]:
    """Path of each generated page → its Markdown."""
    return part_pages() | recipe_pages() | command_pages() | atlas_pages() | survey_pages()
