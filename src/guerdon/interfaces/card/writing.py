"""Writing a model card."""

import math
from pathlib import Path

from guerdon.interfaces.card.facts import Facts, facts, head
from guerdon.interfaces.configuration import _yaml
from guerdon.interfaces.report.figures import Figure
from guerdon.interfaces.report.page import estimate

HERE = Path(__file__).parent
CARD = "README.md"


def write(run: Path, model: Path) -> Path:
    """Write the card of the model that a run ended with into the model's folder, and return its path."""
    path = model / CARD
    path.write_text(text(facts(run), model), encoding="utf-8")
    return path


def text(found: Facts, model: Path) -> str:
    """The card."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(HERE), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )  # Markdown, no HTML
    front = head(found, model)
    body = environment.get_template("card.md.jinja").render(
        found=found,
        front=front,
        path=model,
        rows={stage: list(map(row, own)) for stage, own in found.figures.items()},
        fence=_fence(found.settings),
    )
    return f"---\n{_yaml.text(front)}---\n\n{body.strip()}\n"


def elsewhere(card: str, model: Path, name: str) -> str:
    """A card whose model is loaded from elsewhere."""
    return (
        card.replace(f'from_pretrained("{model}")', f'from_pretrained("{name}")')
        .replace(f"guerdon sample {model} ", f"guerdon sample {name} ")
        .replace(f"guerdon score {model} ", f"guerdon score {name} ")
    )


def row(figure: Figure) -> tuple[str, str, str, str]:
    """A figure as the cells of a table: before, after, and their difference, each with its interval."""
    return (figure.name, _cell(figure.before, figure.percent), _cell(figure.after, figure.percent), _cell(figure.change, figure.percent))


def _cell(value, percent: bool) -> str:
    if value is None or not math.isfinite(value.value):
        return ""
    number, interval = estimate(value, percent)
    return f"{number} ({interval})" if interval else number


def _fence(text: str) -> str:
    """A fence that nothing in the text closes."""
    fence = "```"
    while fence in text:
        fence += "`"
    return fence
