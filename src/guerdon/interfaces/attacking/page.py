"""The page on an attack: one file of HTML, readable without a network, in which hostile texts are texts."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from guerdon.errors import InputError
from guerdon.interfaces.attacking import plots
from guerdon.interfaces.attacking.saying import of_best, of_training, text
from guerdon.interfaces.benching.page import figure, percent, turns
from guerdon.interfaces.benching.tables import interval, words

HERE = Path(__file__).parent


def write(found: Mapping[str, Any], path: Path) -> Path:
    """Write the page and return its path.

    Raises:
        InputError: it cannot be written there.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    bench, report = HERE.parent / "benching", HERE.parent / "report"
    environment = Environment(
        loader=FileSystemLoader([HERE, bench]), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {
        "figure": figure,
        "interval": interval,
        "words": words,
        "turns": turns,
        "percent": percent,
        "begins": text,
        "signed": signed,
    }
    best, run = found.get("best_of"), found.get("training")
    styles = (report / "style.css", bench / "bench.css", HERE / "attack.css")
    page = environment.get_template("attack.html.jinja").render(
        f=found,
        b=found["battery"],
        compared=found["battery"]["unattacked"]["of"] > 0,
        best=best,
        run=run,
        said={"best": of_best(best) if best else [], "run": of_training(run) if run else []},
        pictures={"best": plots.best_of(best) if best else "", "run": plots.training(run) if run else ""},
        title=f"{name(found['model'])} under attack",
        style="".join(file.read_text(encoding="utf-8") for file in styles),
        script=(report / "browser.js").read_text(encoding="utf-8"),
    )
    try:
        draft = path.with_suffix(".draft")
        draft.write_bytes(page.encode("utf-8", errors="replace"))
        draft.replace(path)
    except OSError as error:
        raise InputError(f"--out: {path} cannot be written ({error.strerror}); give another folder") from error
    return path


def name(model: str) -> str:
    """What is attacked, as a title says it."""
    place = Path(model)
    return place.parent.name if place.name == "model" and place.parent.name else model


def signed(value: float | None, digits: int = 2) -> str:
    shown = figure(value, digits)
    return shown if shown.startswith(("–", "-")) else f"+{shown}"
