"""Page: the one file of HTML that the browser gets, with everything in it."""

from pathlib import Path

from guerdon.interfaces.labelling.kinds import Kind, described
from guerdon.interfaces.web.pages import rendered

HERE = Path(__file__).parent


def page(kind: Kind) -> str:
    """Where annotators label, with the script of the kind."""
    name = described(kind)["kind"]
    return _rendered("page.html.jinja", "page.js", kind=name, kind_script=_text(f"kinds/{name}.js"))


def overview_page() -> str:
    """What the owner sees."""
    return _rendered("overview.html.jinja", "overview.js")


def _rendered(template: str, script: str, **more: str) -> str:
    return rendered(HERE, template, ["style.css"], script=_text(script), **more)


def _text(name: str) -> str:
    return (HERE / name).read_text(encoding="utf-8")
