"""Plots of what was measured."""

from collections.abc import Sequence
from pathlib import Path

from benchmarks.results import Results
from benchmarks.views import fastest, measured, seconds
from benchmarks.workloads import HEADLINE, growth

COLOURS = {"ours": "#3f51b5", "as shipped": "#bdbdbd", "allocator set": "#757575"}


def side_by_side(runs: Sequence[Results], path: Path) -> bool:
    """Seconds a step and peak memory of every job, as bars; whether there was anything to draw."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    jobs = [job for job in HEADLINE if measured(runs, job, "ours", "shipped") or fastest(runs, job, False)]
    if not jobs:
        return False
    figure, axes = pyplot.subplots(1, 2, figsize=(10, 0.55 * len(jobs) + 1.2), sharey=True, layout="constrained")
    for i, job in enumerate(jobs):
        ways = {
            "ours": ("ours", "shipped"),
            "as shipped": ("trl", fastest(runs, job, False)),
            "allocator set": ("trl", fastest(runs, job, True)),
        }
        for offset, (label, (library, setting)) in zip((0.27, 0, -0.27), ways.items(), strict=True):
            found = measured(runs, job, library, setting) if setting else []
            if not found:
                continue
            name = None if i else label if label == "ours" else f"TRL, {label}"
            s = seconds(found)
            axes[0].barh(-i + offset, s.middle, 0.25, color=COLOURS[label], label=name)
            axes[0].plot([s.least, s.most], [-i + offset] * 2, color="black", linewidth=0.8)
            axes[1].barh(-i + offset, found[0].memory + found[0].helpers, 0.25, color=COLOURS[label])
    axes[0].set_yticks([-i for i in range(len(jobs))], [job.name for job in jobs])
    axes[0].set_xlabel("seconds a step")
    axes[1].set_xlabel("peak memory above the idle process, MB")
    for axis in axes:
        axis.set_xscale("log")
        axis.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside lower center", ncols=3, frameon=False)
    figure.savefig(path, dpi=140)
    pyplot.close(figure)
    return True


def growing(runs: Sequence[Results], path: Path) -> bool:
    """Time and memory over each number that was varied."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    axes_of = list(dict.fromkeys(job.axis for job in growth()))
    drawn = False
    figure, axes = pyplot.subplots(2, len(axes_of), figsize=(3 * len(axes_of), 5), layout="constrained")
    for column, axis in enumerate(axes_of):
        jobs = [job for job in growth() if job.axis == axis]
        for library, colour in (("ours", COLOURS["ours"]), ("trl", COLOURS["allocator set"])):
            points = []
            for job in jobs:
                setting = "shipped" if library == "ours" else fastest(runs, job, False)
                found = measured(runs, job, library, setting) if setting else []
                if found:
                    points.append((int(job.name.split("=")[1]), seconds(found).middle, found[0].memory + found[0].helpers))
            if points:
                drawn = True
                x, time, memory = zip(*points, strict=True)
                label = ("ours" if library == "ours" else "TRL, as shipped") if not column else None
                axes[0, column].plot(x, time, "o-", color=colour, label=label)
                axes[1, column].plot(x, memory, "o-", color=colour)
        axes[1, column].set_xlabel({"group": "completions of a prompt", "longest": "longest completion"}.get(axis, axis))
        for row in range(2):
            axes[row, column].set_xscale("log", base=2)
            axes[row, column].set_yscale("log")
            axes[row, column].spines[["top", "right"]].set_visible(False)
    axes[0, 0].set_ylabel("seconds a step")
    axes[1, 0].set_ylabel("peak memory, MB")
    if drawn:
        figure.legend(loc="outside lower center", ncols=2, frameon=False)
        figure.savefig(path, dpi=140)
    pyplot.close(figure)
    return drawn
