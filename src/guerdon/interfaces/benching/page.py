"""The page on a bench: one file of HTML, readable without a network."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from guerdon.errors import InputError
from guerdon.interfaces.benching import plots
from guerdon.interfaces.benching.answers import text_of
from guerdon.interfaces.benching.reading import CANDIDATES, STEPS
from guerdon.interfaces.benching.tables import interval, words

HERE = Path(__file__).parent


def write(found: Mapping[str, Any], path: Path | str) -> Path:
    """Write the page and return its path.

    Raises:
        InputError: it cannot be written there.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    report = HERE.parent / "report"
    environment = Environment(
        loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"figure": figure, "interval": interval, "words": words, "turns": turns, "text": text_of, "percent": percent}
    kind = found["kind"]
    pictures = {"reliability": plots.reliability(found["calibration"]["bins"], 0.0 if kind == STEPS else 0.5)}
    if kind != STEPS:
        pictures |= {"length": plots.length(found["following"]["points"]), "margins": plots.margins(found["margins"])}
    page = environment.get_template("bench.html.jinja").render(
        b=found,
        steps=kind == STEPS,
        candidates=kind == CANDIDATES,
        plots=pictures,
        bars=_bars(found),
        title=f"{Path(found['model']).name if Path(found['model']).name != 'model' else Path(found['model']).parent.name} on {Path(found['rows']).name}",
        style=(report / "style.css").read_text(encoding="utf-8") + (HERE / "bench.css").read_text(encoding="utf-8"),
        script=(report / "browser.js").read_text(encoding="utf-8"),
    )
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(".draft")
        draft.write_bytes(page.encode("utf-8", errors="replace"))
        draft.replace(path)
    except OSError as error:
        raise InputError(f"--report: {path} cannot be written ({error.strerror}); give another file") from error
    return path


def _bars(found: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The categories, the worst first."""
    name = "f1" if found["kind"] == STEPS else "value"
    bars = [{**c, "value": c[name], "low": c.get("low", math.nan), "high": c.get("high", math.nan)} for c in found.get("categories", [])]
    return sorted(bars, key=lambda bar: bar["value"] if math.isfinite(bar["value"]) else 2.0)


def figure(value: float | None, digits: int = 3) -> str:
    return "–" if value is None or not math.isfinite(value) else f"{value:.{digits}f}"


def percent(value: float) -> float:
    """A place on a bar from 0 to 1, in percent."""
    return round(100 * min(max(value, 0.0), 1.0), 2) if math.isfinite(value) else 0.0


def turns(conversation: Any) -> list[tuple[str, str]]:
    """A text or messages as (role, text)."""
    if isinstance(conversation, str):
        return [("", conversation)]
    return [(message["role"], text_of([{**message, "role": "assistant"}])) for message in conversation]
