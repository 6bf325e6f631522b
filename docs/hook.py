"""Adds the pages that are generated from the code to the documentation, and their places in its navigation."""

from functools import cache

from mkdocs.structure.files import File

from guerdon.interfaces.pages import pages


@cache
def generated() -> dict[str, str]:
    """Path of each page → its Markdown, made once for a build."""
    return pages()


def on_config(config):
    """Fill the sections of the navigation whose pages are generated; a section without any is left out."""
    generated.cache_clear()
    sections = {"Parts": "parts/", "Atlas": "atlas/", "Surveys": "surveys/"}
    filled = []
    for item in config.nav:
        (title,) = item
        if title not in sections:
            filled.append(item)
        elif own := [path for path in generated() if path.startswith(sections[title])]:
            filled.append({title: sorted(own, key=_place)})
    config.nav = filled
    return config


def _place(path):
    """Overviews first, then by name."""
    overviews = ("index.md", "quantities.md", "limits.md")
    name = path.rsplit("/", 1)[-1]
    return (overviews.index(name) if name in overviews else len(overviews), name)


def on_files(files, config):
    """Put the pages among the written ones; none is written to the disk but the site's."""
    for path, text in generated().items():
        files.append(File.generated(config, path, content=text))
    return files
