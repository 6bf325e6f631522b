"""The page: curves on one another, figures with the intervals of their differences, and answers to the same prompts side by side."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from guerdon.interfaces.comparing.arms import Arm
from guerdon.interfaces.comparing.comparison import Comparison
from guerdon.interfaces.report.curves import Drawn, Line, Panel, curves
from guerdon.interfaces.report.drawing import draw
from guerdon.interfaces.report.page import estimate, number
from guerdon.interfaces.report.reading import Outcome, Record
from guerdon.interfaces.report.samples import EXTREMES, SHOWN, Sample, decoder, sample

HERE = Path(__file__).parent
MOST_ANSWERED = 4  # arms whose answers are shown beside one another


@dataclass(frozen=True)
class Answers:
    """One prompt and what each arm answered (None where it was not asked)."""

    prompt: Sample
    each: list[Sample | None]


def write(comparison: Comparison, path: Path | str) -> Path:
    """Write the page and return its path."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    report = HERE.parent / "report"
    environment = Environment(
        loader=FileSystemLoader([HERE, report]), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"number": number, "estimate": estimate, "plain": plain}
    in_order, apart = answers(comparison.arms)
    drawn = list(plots(comparison.arms))
    page = environment.get_template("comparison.html.jinja").render(
        comparison=comparison,
        first=[each for each in drawn if each[0].first],
        more=[each for each in drawn if not each[0].first],
        in_order=in_order,
        apart=apart,
        style=(report / "style.css").read_text(encoding="utf-8"),
        script=(report / "browser.js").read_text(encoding="utf-8"),
    )
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".draft")
    draft.write_bytes(page.encode("utf-8", errors="replace"))
    draft.replace(path)
    return path


def plain(value: Any) -> str:
    """A setting for reading."""
    return "–" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def plots(arms: Sequence[Arm]) -> Iterator[tuple[Panel, str]]:
    """A plot for every metric that has a curve in some arm: a line for each arm, the mean over its seeds, and a band from the lowest to the highest."""
    found: dict[tuple[str, str], tuple[Panel, dict[str, list[Drawn]]]] = {}
    for arm in arms:
        for record in arm.records:
            for panel, lines in curves(record):
                for line in lines:
                    key = (panel.title, line.label)
                    several = len(lines) > 1 or len(panel.lines) > 1
                    title = f"{panel.title}: {line.label}" if several else panel.title
                    bound = panel.bound if line is lines[0] else None
                    own = Panel(title, panel.sentence, (Line("", line.label),), panel.log, bound, panel.first, panel.smooth)
                    found.setdefault(key, (own, {}))[1].setdefault(arm.label, []).append(line)
    for panel, by_arm in found.values():
        yield panel, draw(panel, [_together(arm.label, by_arm[arm.label], i) for i, arm in enumerate(arms) if arm.label in by_arm])


def _together(label: str, lines: list[Drawn], series: int) -> Drawn:
    if len(lines) == 1:
        line = lines[0]
        return Drawn(label, line.steps, line.values, line.rare, line.low, line.high, series)
    steps = sorted(set(lines[0].steps).intersection(*(line.steps for line in lines)))
    values = np.array([[dict(zip(line.steps, line.values, strict=True))[step] for step in steps] for line in lines]).reshape(len(lines), -1)
    return Drawn(label, steps, values.mean(0).tolist(), lines[0].rare, values.min(0).tolist(), values.max(0).tolist(), series)


def answers(arms: Sequence[Arm]) -> tuple[list[Answers], list[Answers]]:
    """The first prompts that the first runs of the arms all answered, in their order, and those whose rewards are furthest apart."""
    records = [arm.records[0] for arm in arms[:MOST_ANSWERED]]
    last = [_answered(record) for record in records]
    shared = [prompt for prompt in last[0] if sum(prompt in own for own in last) == len(last)]
    shown = shared[:SHOWN]
    spread = {prompt: _spread([own[prompt].reward for own in last]) for prompt in shared if prompt not in shown}
    furthest = sorted((p for p in spread if spread[p] > 0), key=lambda p: -spread[p])[:EXTREMES]
    decoders = [decoder(record.model) for record in records]

    def of(prompt: str) -> Answers:
        each = [sample(record.rows([own[prompt]])[0], decode) for record, own, decode in zip(records, last, decoders, strict=True)]
        return Answers(each[0], each)

    return [of(prompt) for prompt in shown], [of(prompt) for prompt in furthest]


def _answered(record: Record) -> dict[str, Outcome]:
    """Prompt → the answer at the last evaluation; without one, the last that was sampled."""
    if record.held_out:
        return {outcome.prompt: outcome for outcome in record.held_out[max(record.held_out)]}
    return {outcome.prompt: outcome for step in sorted(record.sampled) for outcome in record.sampled[step]}


def _spread(rewards: list[float]) -> float:
    known = [reward for reward in rewards if math.isfinite(reward)]
    return max(known) - min(known) if known else 0.0
