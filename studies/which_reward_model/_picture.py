"""The picture: accuracy of every kind on what it was measured on."""

from pathlib import Path
from typing import Any

from studies.which_reward_model._page import IMAGE, TITLES, ranked


def draw(results: dict[str, Any], folder: Path) -> list[Path]:
    from matplotlib.figure import Figure

    folder.mkdir(parents=True, exist_ok=True)
    tables = results["measured"]
    most = max(len(table["kinds"]) for table in tables.values())
    figure = Figure(figsize=(12, 0.32 * most + 1.4), layout="constrained")
    for axes, (name, table) in zip(figure.subplots(1, len(tables), squeeze=False)[0], tables.items(), strict=True):
        kinds = ranked(table)[::-1]
        for place, kind in enumerate(kinds):
            value, low, high = table["kinds"][kind]["accuracy"]
            axes.plot([low, high], [place, place], color="#9fa8da", linewidth=3, solid_capstyle="round")
            axes.scatter(value, place, s=26, color="#1a6b4a", zorder=3)
        axes.axvline(0.5, color="black", linewidth=0.8, linestyle=":")
        axes.set_yticks(range(len(kinds)), kinds)
        axes.set(title=TITLES.get(name, name), xlabel="share of held-out pairs in the right order")
        axes.spines[["top", "right"]].set_visible(False)
    path = folder / IMAGE
    figure.savefig(path, dpi=90)
    return [path]
