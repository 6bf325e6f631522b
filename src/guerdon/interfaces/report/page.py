"""The page: everything that was found, put into one file of HTML."""

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from guerdon.evaluation.statistics import Estimate
from guerdon.interfaces.report.curves import Panel, curves, shown_metrics
from guerdon.interfaces.report.drawing import draw
from guerdon.interfaces.report.figures import Figure, figures
from guerdon.interfaces.report.health import Finding, findings
from guerdon.interfaces.report.items import Paying, paying
from guerdon.interfaces.report.reading import Record, read
from guerdon.interfaces.report.samples import SideBySide, browsed, decoder, side_by_side
from guerdon.training.best import LINK

HERE = Path(__file__).parent


def write(run_folder: Path | str) -> Path:
    """Write ``report.html`` into the folder of a run, finished or not, and return its path.

    The folder may hold one run, or the runs of a pipeline's stages in folders of their own.

    Raises:
        InputError: there is no run in the folder.
    """
    folder = Path(run_folder)
    page = html(folder)
    path = folder / "report.html"
    draft = path.with_suffix(".draft")
    draft.write_bytes(page.encode("utf-8", errors="replace"))
    draft.replace(path)
    return path


@dataclass(frozen=True)
class Plot:
    """A panel and its picture."""

    panel: Panel
    svg: str


@dataclass(frozen=True)
class Stage:
    """Everything the page shows of one run."""

    record: Record
    facts: list[tuple[str, str]]
    figures: list[Figure]
    findings: list[Finding]
    plots: list[Plot]
    more_plots: list[Plot]
    other: list[tuple[str, list[str]]]
    pairs: SideBySide | None
    browser: str | None
    shown: tuple[int, int] | None
    configuration: str
    finished: bool | None
    items: list[Paying]


def html(folder: Path) -> str:
    """The page's text."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"number": number, "estimate": estimate, "percent_of": percent_of}
    stages = [stage(record) for record in read(folder)]
    text = {name: (HERE / name).read_text(encoding="utf-8") for name in ("style.css", "browser.js")}
    return environment.get_template("page.html.jinja").render(
        title=folder.resolve().name,
        configuration=_given(folder) if len(stages) > 1 else "",
        stages=stages,
        style=text["style.css"],
        script=text["browser.js"],
        model=_model(stages, folder),
    )


def stage(record: Record) -> Stage:
    """What is shown of one run."""
    decode = decoder(record.model)
    plots = [Plot(panel, draw(panel, lines)) for panel, lines in curves(record)]
    shown = browsed(record, decode)
    return Stage(
        record,
        _facts(record),
        figures(record),
        findings(record),
        [plot for plot in plots if plot.panel.first],
        [plot for plot in plots if not plot.panel.first],
        _other(record),
        side_by_side(record, decode),
        None if shown is None else _for_script(shown),
        None if shown is None else (shown["shown"], shown["total"]),
        _written(record),
        _finished(record),
        paying(record),
    )


def _facts(record: Record) -> list[tuple[str, str]]:
    """What ran, in a line: whatever the configuration says of it, and what the metrics add."""
    facts = []
    configuration = record.configuration if isinstance(record.configuration, dict) else {}
    for key in ("model", "task", "data", "recipe", "reward", "rewards", "seed"):
        value = configuration.get(key, _within(configuration, "budget", key))
        if value not in (None, {}, [], ""):
            facts.append((key, _recipe(value, bool(record.sampled)) if key == "recipe" else _brief(value)))
    if record.steps:
        facts.append(("steps", f"{record.steps:,}"))
    if best := _best(record):
        facts.append(("best", f"step {best['step']}, {best['metric']} {best['value']:.4g}, in {LINK}"))
    seconds = sum(record.series("step_time")[1])
    if seconds:
        facts.append(("time in steps", duration(seconds)))
    tokens = sum(record.series("num_tokens")[1])
    if tokens and record.sampled:
        facts.append(("tokens sampled and learned from", f"{tokens:,.0f}"))
    elif tokens:
        facts.append(("tokens learned from", f"{tokens:,.0f}"))
    return facts


def _finished(record: Record) -> bool | None:
    steps = _within(record.configuration, "budget", "steps")
    return None if not isinstance(steps, int) else record.steps >= steps or "stopped_early" in record.names()


def _best(record: Record) -> dict[str, Any]:
    told = record.folder / LINK / "best.json"
    return json.loads(told.read_text()) if told.exists() else {}


def _within(value: Any, *keys: str) -> Any:
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _recipe(value: Any, acts: bool) -> str:
    """A recipe is named by what it minimises and, where it acts, by how it acts and gives credit."""
    if not isinstance(value, dict) or not isinstance(value.get("terms"), list):
        return _brief(value)
    terms = [_brief(_within(term, "loss") or term, 60) for term in value["terms"]]
    credit = [_brief(value[key], 60) for key in ("advantage", "sampler") if acts and value.get(key)]
    return ", ".join([" + ".join(terms), *credit])


def _brief(value: Any, most: int = 160) -> str:
    """A value of the configuration in a line."""
    if isinstance(value, dict) and isinstance(value.get("part"), str):
        fields = [f"{k}={_brief(v, 30)}" for k, v in value.items() if k != "part" and v not in (None, "", [], {})]
        text = f"{value['part']}({', '.join(fields)})"
    elif isinstance(value, dict):
        text = ", ".join(f"{k}: {_brief(v, 40)}" for k, v in value.items() if v not in (None, "", [], {}))
    elif isinstance(value, list):
        text = ", ".join(_brief(v, 40) for v in value)
    else:
        text = str(value)
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _other(record: Record) -> list[tuple[str, list[str]]]:
    """Metrics without a plot: first, last, lowest, highest."""
    rows = []
    for name in record.names():
        if name not in shown_metrics():
            values = record.series(name)[1]
            rows.append((name, [number(v) for v in (values[0], values[-1], min(values), max(values))]))
    return rows


def _model(stages: list[Stage], folder: Path) -> Path | None:
    found = [s.record.folder / "model" for s in stages if (s.record.folder / "model").is_dir()]
    final = folder / "model"
    return final if final.is_dir() else found[-1] if found else None


def _written(record: Record) -> str:
    """The configuration as it was given, where it came from a file; else as it was recorded."""
    import yaml

    recorded = record.configuration
    written = "" if recorded is None else yaml.safe_dump(recorded, sort_keys=False, allow_unicode=True, width=100)
    return _given(record.folder) or written


def _given(folder: Path) -> str:
    """The configuration file of a run, or nothing."""
    path = folder / "configuration.yaml"
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""


def _for_script(data: Any) -> str:
    """JSON that may stand inside a script element: no character of it can end the element."""
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def number(value: float | None) -> str:
    """A number for reading."""
    if value is None or not math.isfinite(value):
        return "–"
    return f"{value:.0f}" if value == int(value) and abs(value) < 1e6 else f"{value:.3g}"


def estimate(value: Estimate, percent: bool) -> tuple[str, str]:
    """The number, and its interval in words ("" where there is none)."""
    if percent:
        text = f"{value.value:.1%}".replace("%", " %")
        return text, f"{100 * value.low:.1f} to {100 * value.high:.1f} %" if math.isfinite(value.low) else ""
    return f"{value.value:.3g}", f"{value.low:.3g} to {value.high:.3g}" if math.isfinite(value.low) else ""


def percent_of(value: float, figure: Figure) -> float:
    """Where a value lies between the ends of the bar that a figure is drawn on, in percent."""
    ends = [v for e in (figure.before, figure.after) for v in (e.value, e.low, e.high) if math.isfinite(v)]
    low, high = (min(0.0, *ends), max(1.0, *ends)) if figure.percent else (min(ends), max(ends))
    if not figure.percent and low >= 0 and high <= 1:
        low, high = 0.0, 1.0
    return round(100 * (value - low) / (high - low), 2) if high > low else 50.0


def duration(seconds: float) -> str:
    """Seconds for reading."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.1f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
