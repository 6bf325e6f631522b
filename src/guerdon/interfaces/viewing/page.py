"""Page: the one file of HTML that the browser gets, with everything in it."""

from pathlib import Path

from guerdon.interfaces.web.pages import only, rendered

HERE = Path(__file__).parent
SCRIPTS = (
    "core",
    "chart",
    "overview",
    "rollouts",
    "tokens",
    "rollout",
    "tree",
    "compare",
    "keys",
)  # in the order in which they build on each other


def page() -> tuple[str, dict[str, str]]:
    """The page, which asks for everything else, and its headers."""
    scripts = [(HERE / "scripts" / f"{name}.js").read_text(encoding="utf-8") for name in SCRIPTS]
    return rendered(HERE, "page.html.jinja", ["style.css"], scripts=scripts), only(scripts)
