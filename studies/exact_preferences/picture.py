"""The picture: regret, relative to that of learning nothing, of every objective in every situation."""

from pathlib import Path
from typing import Any

from studies.exact_preferences.reading import Table

NAME = "exact-preferences.png"
WORST = 1.5  # of the reference's regret: from here on everything has the same colour


def draw(results: dict[str, Any], folder: Path) -> list[Path]:
    """Two panels: every objective at its own strength, and at the best of the grid."""
    from matplotlib.colors import LinearSegmentedColormap
    from matplotlib.figure import Figure

    table = Table(results["measured"])
    colours = LinearSegmentedColormap.from_list("regret", ["#1a6b4a", "#e8efe3", "#f4c48d", "#b5341f"])
    height = 0.21 * len(table.objectives) + 2.2
    figure = Figure(figsize=(13.5, height), layout="constrained")
    panels = figure.subplots(1, 2, sharey=True)
    for axes, tuned in zip(panels, (False, True), strict=True):
        for i, objective in enumerate(table.objectives):
            for j, situation in enumerate(table.situations):
                cell = table.cell(objective, situation, tuned)
                if cell is None:
                    continue
                share = cell["regret"][0] / table.of_nothing(situation)
                axes.add_patch(_square(j, i, colours(min(share, WORST) / WORST)))
                dark = share < 0.22 or share > 1.2
                axes.text(j, i, _said(share, cell), ha="center", va="center", fontsize=6.5, color="white" if dark else "#222222")
        axes.set(xlim=(-0.5, len(table.situations) - 0.5), ylim=(len(table.objectives) - 0.5, -0.5))
        axes.set_xticks(range(len(table.situations)), table.situations, rotation=55, ha="left", rotation_mode="anchor", fontsize=8)
        axes.set_yticks(range(len(table.objectives)), table.objectives, fontsize=8)
        axes.xaxis.tick_top()
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
        axes.set_xlabel("at the best strength of the grid" if tuned else "at its own strength", fontsize=10)
    folder.mkdir(parents=True, exist_ok=True)
    figure.savefig(folder / NAME, dpi=110)
    return [folder / NAME]


def _square(x: int, y: int, colour):
    from matplotlib.patches import Rectangle

    return Rectangle((x - 0.5, y - 0.5), 1, 1, facecolor=colour, edgecolor="white", linewidth=0.6)


def _said(share: float, cell: dict[str, Any]) -> str:
    number = "0" if share < 5e-4 else f"{share:.2f}" if share < 10 else f"{share:.0f}"
    return f"{number}∞" if cell["off"] > 0.5 else number
