"""Draws docs/images/demo.png from a run of the demonstration: ``python docs/draw_demo.py [runs/demo-0]``. Without a run, makes one."""

import sys
from pathlib import Path

from guerdon.interfaces.report.curves import curves
from guerdon.interfaces.report.reading import read
from guerdon.interfaces.report.samples import decoder, side_by_side

PICTURE = Path(__file__).parent / "images" / "demo.png"
BLUE, ORANGE, INK, FAINT, LINE = "#1f5fa8", "#d9731a", "#1d2430", "#667085", "#e4e1d8"
ROWS = 6


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else made()
    (record,) = [r for r in read(folder) if r.held_out]
    draw(record)
    print(PICTURE)


def made() -> Path:
    from guerdon.interfaces.demo import demo
    from guerdon.training.display import Terminal

    return demo(Path("runs/demo-0"), 0, Terminal()).folder


def draw(record) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 3.7), facecolor="white")
    left = figure.add_axes((0.05, 0.13, 0.44, 0.72))
    right = figure.add_axes((0.54, 0.02, 0.45, 0.96), xlim=(0, 1), ylim=(ROWS + 1.6, 0))
    accuracy_over_steps(left, record)
    before_and_after(right, record)
    PICTURE.parent.mkdir(exist_ok=True)
    figure.savefig(PICTURE, dpi=130)


def accuracy_over_steps(axes, record) -> None:
    by_title = {panel.title: lines for panel, lines in curves(record)}
    (held_out,) = by_title["Held-out accuracy"]
    reward = by_title["Reward"][0]
    axes.plot(reward.steps, reward.values, color=BLUE, alpha=0.22, linewidth=0.7)
    axes.plot([], [], color=BLUE, alpha=0.6, label="reward of sampled answers")
    axes.fill_between(held_out.steps, held_out.low, held_out.high, color=ORANGE, alpha=0.18, linewidth=0)
    axes.plot(
        held_out.steps, held_out.values, color=ORANGE, marker="o", markersize=4, linewidth=2, label="exact answers, held-out problems"
    )
    for i, side, word in ((0, "left", "taught by\nexamples"), (-1, "right", "practised\nfor reward")):
        text = f"{100 * held_out.values[i]:.0f} %\n{word}"
        place = (held_out.steps[i] + (0.015 * held_out.steps[-1] if i == 0 else 0), held_out.low[i] - 0.03)
        axes.text(*place, text, ha=side, va="top", color=INK, fontsize=10, weight="bold", linespacing=1.25)
    axes.set(ylim=(0, 1.03), xlim=(-0.015 * held_out.steps[-1], 1.02 * held_out.steps[-1]))
    axes.yaxis.set_major_formatter(lambda value, _: f"{100 * value:.0f} %")
    axes.set_xlabel("steps of reinforcement learning", color=FAINT)
    axes.tick_params(colors=FAINT, length=0)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color(LINE)
    axes.grid(axis="y", color=LINE)
    axes.legend(
        loc="lower left",
        bbox_to_anchor=(0, 1.0),
        ncols=2,
        frameon=False,
        labelcolor=INK,
        fontsize=9,
        borderaxespad=0.2,
        columnspacing=1,
        handlelength=1.5,
    )


def before_and_after(axes, record) -> None:
    axes.axis("off")
    pairs = side_by_side(record, decoder(record.model)).in_order[:ROWS]
    columns = ((0.0, "held-out problem"), (0.33, "before"), (0.68, "after"))
    for x, title in columns:
        axes.text(x, 0.75, title, color=FAINT, fontsize=10, va="center")
    for y, pair in enumerate(pairs, start=1):
        axes.text(0, y + 0.7, pair.before.prompt[0][1], family="monospace", fontsize=11.5, color=INK, va="center")
        for x, sample in ((0.33, pair.before), (0.68, pair.after)):
            letters = [t for t in sample.tokens if len(t.text) == 1]
            for i, token in enumerate(letters):
                patch = {
                    "facecolor": (0.886, 0.408, 0.118, token.heat * 0.8),
                    "edgecolor": LINE,
                    "boxstyle": "square,pad=0.12",
                    "linewidth": 0.6,
                }
                axes.text(x + 0.021 * i, y + 0.7, token.text, family="monospace", fontsize=11, color=INK, va="center", bbox=patch)
            right = sample.reward == 1.0
            axes.text(
                x + 0.24,
                y + 0.7,
                "✓" if right else f"{sample.reward:.2f}",
                color="#1c7c4a" if right else "#b5391f",
                fontsize=10,
                va="center",
            )
    axes.text(0, ROWS + 1.45, "orange: the policy was not sure of this letter", color=FAINT, fontsize=9, va="center")


if __name__ == "__main__":
    main()
