"""The pictures of a bench, as SVG in the page's colours."""

import io
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from guerdon.interfaces.report.drawing import BAD, FAINT, LINE, SERIES, for_the_page

COLOURS = list(SERIES)
MOST_POINTS = 600


def reliability(bins: Sequence[Mapping[str, float]], start: float) -> str:
    """How often it is right, over how sure it says it is; a point's size is the share of pairs."""

    def draw(axes: Any) -> None:
        said, happened = ([b[name] for b in bins] for name in ("said", "happened"))
        count = np.array([b["pairs"] for b in bins], dtype=float)
        axes.plot([start, 1], [start, 1], color=FAINT, linewidth=1, linestyle=(0, (4, 3)))
        axes.plot(said, happened, color=COLOURS[0], linewidth=1.2, alpha=0.6)
        axes.scatter(said, happened, s=14 + 150 * count / count.sum(), color=COLOURS[0], zorder=3, linewidths=0)
        axes.set_xlim(start - 0.02, 1.02)
        axes.set_ylim(min(start, *happened) - 0.05, 1.05)
        axes.set_xlabel("probability that it states", color=FAINT, fontsize=8, loc="right", labelpad=1)
        axes.set_ylabel("how often it is so", color=FAINT, fontsize=8)

    return drawn("Reliability", draw)


def length(points: Sequence[Sequence[float]]) -> str:
    """Margins over differences of length: right of the line the better answer is the longer one, above it the model is right."""

    def draw(axes: Any) -> None:
        some = np.array(points[:: max(1, len(points) // MOST_POINTS)])
        right = some[:, 1] > 0
        for own, colour in ((right, COLOURS[0]), (~right, BAD)):
            axes.scatter(some[own, 0], some[own, 1], s=8, color=colour, alpha=0.45, linewidths=0)
        axes.axhline(0, color=FAINT, linewidth=0.8)
        axes.axvline(0, color=FAINT, linewidth=0.8)
        axes.set_xscale("symlog", linthresh=10)
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")  # no powers, which are set in fonts that a page has not
        axes.set_xlabel("characters that the better answer is longer", color=FAINT, fontsize=8, loc="right", labelpad=1)
        axes.set_ylabel("margin", color=FAINT, fontsize=8)

    return drawn("Margin and length", draw)


def margins(values: Sequence[float]) -> str:
    """How margins are distributed; those below 0 are wrong."""

    def draw(axes: Any) -> None:
        own = np.array(values)
        edge = float(np.quantile(np.abs(own), 0.995)) or 1.0
        edges = np.linspace(-edge, edge, 31)
        counts, _ = np.histogram(np.clip(own, -edge, edge), edges)
        middle, width = (edges[1:] + edges[:-1]) / 2, edges[1] - edges[0]
        axes.bar(middle, counts, width * 0.92, color=[BAD if m < 0 else COLOURS[0] for m in middle], alpha=0.8)
        axes.axvline(0, color=FAINT, linewidth=0.8)
        axes.set_xlabel("score of the better answer less that of the worse", color=FAINT, fontsize=8, loc="right", labelpad=1)

    return drawn("Margins", draw)


def drawn(title: str, draw: Callable[[Any], None]) -> str:
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": title, "font.size": 9, "axes.linewidth": 0.8}):
        figure = Figure(figsize=(4.6, 2.9), layout="constrained")
        axes = figure.add_subplot(facecolor="none")
        figure.patch.set_alpha(0)
        draw(axes)
        axes.grid(axis="y", color=LINE, linewidth=0.7)
        axes.set_axisbelow(True)
        axes.tick_params(which="both", colors=FAINT, length=0, labelcolor=FAINT)
        axes.spines[["top", "right", "left"]].set_visible(False)
        axes.spines["bottom"].set_color(LINE)
        out = io.StringIO()
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None, "Type": None, "Format": None})
    return for_the_page(out.getvalue(), title)
