"""What the person who waits sees: how far the run is and how long it still takes are whole on every width, figures only as far as they fit."""

import io
import re

import pytest
from rich.console import Console

from guerdon.training.display import Terminal

METRICS = {"loss": 0.0185, "reward": 1.85, "kl": 0.462, "completions/mean_length": 6.12}
FIGURES = ["loss 0.0185", "reward 1.85", "kl 0.462", "completions/mean_length 6.12"]


@pytest.mark.parametrize("width", [40, 60, 80, 100, 120, 160])
def test_count_and_time_left_are_whole_on_every_width(width):
    console = Console(file=io.StringIO(), force_terminal=True, width=width, legacy_windows=False)
    shown = Terminal(console)
    shown.start("improve", 3, 1500)
    shown.step(1200, METRICS)
    shown.progress.refresh()
    shown.stop()
    printed = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", console.file.getvalue())
    last = [line for line in re.split(r"[\r\n]+", printed) if line.strip()][-1].rstrip()
    assert re.match(r"improve\s.*1200/1500 +\d:\d\d:\d\d left (\d|-):", last), last
    assert "…" not in last and len(last) <= width
    fitting = [figure for figure in FIGURES if figure in last]
    assert fitting == FIGURES[: len(fitting)] and len(fitting) == {40: 0, 60: 1, 80: 3, 100: 3, 120: 3, 160: 4}[width]
