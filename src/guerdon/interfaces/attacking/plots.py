"""The pictures of an attack, as SVG in the page's colours."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from guerdon.evaluation.metrics.overoptimisation import Overoptimisation
from guerdon.interfaces.benching.plots import COLOURS, drawn
from guerdon.interfaces.report.drawing import BAD, FAINT, INK

FAR = 60  # places at which a curve is drawn


def best_of(found: Mapping[str, Any]) -> str:
    """What is gained by choosing, of both rewards, along the KL, with N beside the points."""

    def draw(axes: Any) -> None:
        points = found["points"]
        kl = np.array([p["kl"] for p in points])
        for colour, name, called in ((COLOURS[0], "proxy", "reward"), (COLOURS[1], "gold", "gold")):
            if name in points[0]:
                gain = [p[name]["gain"] for p in points]
                axes.plot(kl, [g["value"] for g in gain], color=colour, marker="o", markersize=3.5, linewidth=1.5, label=called)
                axes.fill_between(kl, [g["low"] for g in gain], [g["high"] for g in gain], color=colour, alpha=0.16, linewidth=0)
        if found.get("fit") and found["fit"]["alpha"] > 0:
            _curve(axes, found["fit"], "best of n", float(kl.max()), 0.0)
        if found.get("parts"):
            axes.axvline(found["parts"]["kl"], color=BAD, linewidth=1.2, linestyle=(0, (4, 3)))
        for p in points:
            axes.annotate(
                str(p["n"]),
                (p["kl"], p["proxy"]["gain"]["value"]),
                textcoords="offset points",
                xytext=(0, 5),
                color=FAINT,
                fontsize=7,
                ha="center",
            )
        axes.axhline(0, color=FAINT, linewidth=0.8)
        _named(axes, "KL from the policy at most, in nats (N beside the points)", "gain, in standard deviations")

    return drawn("Best of N", draw)


def training(found: Mapping[str, Any]) -> str:
    """Both rewards along the KL, each step a point, the reward on the left and gold on the right."""

    def draw(axes: Any) -> None:
        kl = np.array(found["kl"])
        axes.scatter(kl, found["proxy"], s=9, color=COLOURS[0], alpha=0.6, linewidths=0, label="reward (left)")
        right = axes
        if found["gold"]:
            right = axes.twinx()
            right.scatter(kl, found["gold"], s=9, color=COLOURS[1], alpha=0.7, linewidths=0, label="gold (right)")
            if found["fit"] and found["fit"]["alpha"] > 0:
                _curve(right, found["fit"], "rl", float(kl.max()), found["fit"]["from"])
            right.tick_params(which="both", colors=FAINT, length=0, labelcolor=FAINT)
            right.spines[:].set_visible(False)
        if found["parts"]:
            axes.axvline(found["parts"]["kl"], color=BAD, linewidth=1.2, linestyle=(0, (4, 3)))
        _named(axes, "KL of whole answers from the policy, in nats", "", [axes, right])

    return drawn("A run against the reward", draw)


def _curve(axes: Any, fit: Mapping[str, float], by: str, most: float, start: float) -> None:
    kl = np.linspace(0, most, FAR)
    axes.plot(
        kl,
        start + Overoptimisation(by).curve(np.sqrt(kl), fit["alpha"], fit["beta"]),
        color=COLOURS[1],
        linewidth=1.1,
        linestyle=(0, (1, 1.5)),
        label="gold, fitted",
    )


def _named(axes: Any, along: str, up: str, sides: Sequence[Any] = ()) -> None:
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.set_xlabel(along, color=FAINT, fontsize=8, loc="right", labelpad=1)
    axes.set_ylabel(up, color=FAINT, fontsize=8)
    handles, labels = zip(
        *[pair for side in dict.fromkeys(sides or [axes]) for pair in zip(*side.get_legend_handles_labels(), strict=True)], strict=True
    )
    axes.figure.legend(
        handles, labels, loc="outside upper left", ncols=3, frameon=False, labelcolor=INK, fontsize=8.5, handlelength=1.2, columnspacing=1.2
    )
