"""Drawing: a curve as inline SVG whose colours are the page's, so that it follows light and dark.

Margins are reckoned from the letters that stand in them. matplotlib's own layouts measure every text by drawing it, twice, which is two thirds of what a report costs.
"""

import io
import math
import re
from collections.abc import Sequence

import numpy as np

from guerdon.interfaces.report.curves import Drawn, Panel

# Colours that stand for the page's variables: matplotlib writes them, and they are replaced afterwards.
STAND_INS = {"#010101": "var(--ink)", "#020202": "var(--faint)", "#030303": "var(--line)", "#040404": "var(--bad)"}
SERIES = {f"#0505{i:02d}": f"var(--series-{i})" for i in range(8)}
INK, FAINT, LINE, BAD = STAND_INS
SMOOTHED_FROM = 60  # steps: longer curves are drawn pale, with their running mean on top
MOST_POINTS = 400
WIDTH, HEIGHT = 4.6, 2.35  # inches
DIGIT, LETTER, SAMPLE = 0.082, 0.064, 0.42  # inches: of the axes, of a name, the line before a name and what stays free behind it
ROW, EDGE, BELOW = 0.19, 0.08, 0.39  # inches: a row of names, what stays free at the edges, numbers and name of the steps


def draw(panel: Panel, lines: Sequence[Drawn]) -> str:
    """One panel as SVG."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    settings = {"svg.fonttype": "none", "svg.hashsalt": panel.title, "font.size": 9, "axes.linewidth": 0.8, "path.simplify": True}
    with mpl.rc_context(settings):
        figure = Figure(figsize=(WIDTH, HEIGHT))
        axes = figure.add_subplot(facecolor="none")
        figure.patch.set_alpha(0)
        left = [line for line in lines if not line.right] or lines
        other = axes.twinx() if len(left) < len(lines) else axes
        for colour, line in zip(_colours(lines), lines, strict=True):
            _line(other if line.right and other is not axes else axes, line, colour, panel.smooth)
        columns = min(4, max(2, int(WIDTH / (SAMPLE + LETTER * max(len(line.label) for line in lines)))))
        _frame(axes, panel, left, columns if len(lines) > 1 else 0)
        if other is not axes:
            _frame_right(other)
        _make_room(figure, axes, None if other is axes else other, math.ceil(len(lines) / columns) if len(lines) > 1 else 0)
        out = io.StringIO()
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None, "Type": None, "Format": None})
    return for_the_page(out.getvalue(), f"{panel.title}: {', '.join(line.label for line in lines)}")


def _colours(lines: Sequence[Drawn]) -> list[str]:
    """Training is blue and held-out data orange, wherever they are; the others follow. Runs that are compared have a colour each, in every plot the same."""
    names = list(SERIES)
    if all(line.series is not None for line in lines):
        return [names[line.series % len(names)] for line in lines]
    free = iter([names[0], names[2], names[3], names[1]])
    return [names[1] if line.rare else next(free, names[3]) for line in lines]


def _line(axes, line: Drawn, colour: str, smooth: bool) -> None:
    steps, values = np.array(line.steps), np.array(line.values)
    if line.rare or len(values) == 1:
        axes.plot(steps, values, color=colour, marker="o", markersize=3.5, linewidth=1.6, label=line.label.replace("$", r"\$"))
        _band(axes, line, colour)
        return
    if len(values) < SMOOTHED_FROM or not smooth:
        axes.plot(steps, values, color=colour, linewidth=1.4, label=line.label.replace("$", r"\$"))
        _band(axes, line, colour)
        return
    thin = max(1, len(values) // MOST_POINTS)
    axes.plot(steps[::thin], values[::thin], color=colour, alpha=0.28, linewidth=0.8)
    width = max(3, len(values) // 40)
    kernel = np.ones(width)
    smooth = np.convolve(values, kernel, mode="same") / np.convolve(np.ones(len(values)), kernel, mode="same")
    axes.plot(steps[::thin], smooth[::thin], color=colour, linewidth=1.7, label=line.label.replace("$", r"\$"))


def _band(axes, line: Drawn, colour: str) -> None:
    if line.low:
        axes.fill_between(line.steps, line.low, line.high, color=colour, alpha=0.18, linewidth=0)


def _frame_right(axes) -> None:
    axes.tick_params(which="both", colors=FAINT, length=0, labelcolor=FAINT)
    axes.spines[:].set_visible(False)


def _frame(axes, panel: Panel, lines: Sequence[Drawn], columns: int) -> None:
    from matplotlib.ticker import MaxNLocator

    values = np.concatenate([line.values for line in lines])
    if panel.log and (values > 0).all() and values.max() > 10 * values.min():
        axes.set_yscale("log")
    if panel.bound is not None:
        axes.axhline(panel.bound, color=BAD, linewidth=1, linestyle=(0, (4, 3)))
    if panel.moment is not None:
        axes.axvline(panel.moment, color=BAD, linewidth=1.2, linestyle=(0, (4, 3)))
    if not panel.log and np.ptp(values) == 0 and panel.bound is None:
        axes.set_ylim(*((-0.03, 1.0) if values[0] == 0 else (values[0] - abs(values[0]), values[0] + abs(values[0]))))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
    axes.grid(axis="y", color=LINE, linewidth=0.7)
    axes.set_axisbelow(True)
    axes.tick_params(which="both", colors=FAINT, length=0, labelcolor=FAINT)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color(LINE)
    axes.set_xlabel("step", color=FAINT, fontsize=8, loc="right", labelpad=0)
    if columns:
        axes.figure.legend(
            loc="upper left",
            borderaxespad=0,
            ncols=columns,
            frameon=False,
            labelcolor=INK,
            fontsize=8.5,
            handlelength=1.2,
            columnspacing=1.2,
        )


def _make_room(figure, axes, other, rows: int) -> None:
    """For the numbers at the axes, ``other`` at the right; for ``rows`` of names; and for what all numbers are to be multiplied by or added to, which stands on top."""
    (left, factor), (right, second) = _numbers(axes), (0.0, False) if other is None else _numbers(other)
    top = 1 - ((rows + (factor or second)) * ROW + EDGE) / HEIGHT
    figure.subplots_adjust(left=(left + EDGE) / WIDTH, right=1 - (right + EDGE) / WIDTH, bottom=BELOW / HEIGHT, top=top)


def _numbers(axes) -> tuple[float, bool]:
    """The width of the numbers at the axis of values, in inches, and whether something stands on top. Powers are written smaller, by a formula of their own."""
    formatter = axes.yaxis.get_major_formatter()
    labels = formatter.format_ticks(axes.yaxis.get_majorticklocs())
    return DIGIT * max((4 if "$" in label else len(label) for label in labels), default=0), bool(formatter.get_offset())


def for_the_page(svg: str, title: str) -> str:
    import html

    svg = svg[svg.index("<svg") :]
    for written, meant in (STAND_INS | SERIES).items():
        svg = svg.replace(written, meant)
    svg = re.sub(r"font: ([\d.]+)px [^;\"]*", r"font-size: \1px", svg)
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.S)
    svg = re.sub(r'\s(width|height)="[\d.]+pt"', "", svg, count=2)
    label = html.escape(title, quote=True)
    return svg.replace("<svg", f'<svg role="img" aria-label="{label}"', 1)
