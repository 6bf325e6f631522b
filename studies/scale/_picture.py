"""Pictures: predicted beside measured and published seconds, and a step on ever more cards by what takes its time."""

from pathlib import Path
from typing import Any

TICKS = (0.2, 0.5, 1, 2, 5, 10, 30, 100, 300, 1000)
CHECKED, CARDS = "scale-checked.png", "scale-cards.png"
KINDS = {"learning": "#1a6b4a", "drawing": "#b5341f", "in turn": "#3f51b5", "ahead": "#f0a020"}
PARTS = {
    "sampling": "#3f51b5",
    "learning": "#1a6b4a",
    "exchange": "#f0a020",
    "gradients": "#b5341f",
    "weights": "#d98880",
}


def draw(results: dict[str, Any], folder: Path) -> list[Path]:
    """Both of them."""
    folder.mkdir(parents=True, exist_ok=True)
    measured = results["measured"]
    return [_checked(measured, folder / CHECKED), _cards(measured["predicted"], folder / CARDS)]


def _checked(measured: dict[str, Any], path: Path) -> Path:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4.4), layout="constrained")
    here, there = figure.subplots(1, 2)
    jobs = measured["fit"]["jobs"]
    here.scatter([j["measured_s"] for j in jobs], [j["left_out_s"] for j in jobs], s=22, color="#3f51b5")
    here.set(xlabel="measured here, seconds a step", ylabel="predicted from the other jobs")
    for kind, colour in KINDS.items():
        some = [f for f in measured["published"] if f["kind"] == kind]
        pairs = [(f["value"], f["predicted"]) if f["unit"] == "s" else (1e5 / f["value"], 1e5 / f["predicted"]) for f in some]
        if pairs:
            there.scatter(*zip(*pairs, strict=True), s=22, color=colour, label=kind)
    there.set(xlabel="published, seconds (of a trainer: of 100,000 tokens)", ylabel="predicted")
    there.legend(frameon=False, fontsize=8)
    for axes in (here, there):
        axes.set(xscale="log", yscale="log")
        low, high = min(axes.get_xlim()[0], axes.get_ylim()[0]), max(axes.get_xlim()[1], axes.get_ylim()[1])
        axes.plot([low, high], [low, high], color="black", linewidth=0.8)
        axes.fill_between([low, high], [low / 2, high / 2], [low * 2, high * 2], color="black", alpha=0.06, linewidth=0)
        axes.set(xlim=(low, high), ylim=(low, high))
        ticks = [value for value in TICKS if low <= value <= high]
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_ticks(ticks, [f"{value:g}" for value in ticks])
            axis.set_ticks([], minor=True)
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=90)
    return path


def _cards(predicted: dict[str, Any], path: Path) -> Path:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 3.6), layout="constrained")
    panels = figure.subplots(1, len(predicted), sharey=True, squeeze=False)[0]
    for axes, (name, one) in zip(panels, predicted.items(), strict=True):
        cards = [at["cards"] for at in one["curve"]]
        for part, colour in PARTS.items():
            axes.plot(cards, [at[part] or float("nan") for at in one["curve"]], color=colour, label=part)
        axes.set(xscale="log", yscale="log", title=name, xlabel="cards")
        axes.spines[["top", "right"]].set_visible(False)
    panels[0].set_ylabel("seconds of a step")
    panels[0].set_ylim(bottom=0.01)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=len(PARTS), frameon=False)
    figure.savefig(path, dpi=90)
    return path
