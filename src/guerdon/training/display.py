"""What the person who waits sees: a bar with the time left and live figures on a terminal, a line now and then elsewhere."""

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Column
from rich.text import Text

FIGURES = ("loss", "reward", "rewards/accuracies", "rewards/margins", "eval/accuracy", "kl", "completions/mean_length")
SECONDS_BETWEEN_LINES = 10.0
MANY = 2_000  # rows; it takes a second or so to encode them
BAR = 24  # columns that the bar takes
FOR_FIGURES = 48  # columns that figures should have before there is a bar


class Display(Protocol):
    """Told where the run stands."""

    def start(self, what: str, done: int, total: int) -> None: ...

    def step(self, done: int, metrics: Mapping[str, float]) -> None: ...

    def say(self, sentence: str) -> None: ...

    def stop(self) -> None: ...


class Silent:
    """For tests and experiments."""

    def start(self, what: str, done: int, total: int) -> None:
        pass

    def step(self, done: int, metrics: Mapping[str, float]) -> None:
        pass

    def say(self, sentence: str) -> None:
        pass

    def stop(self) -> None:
        pass


class Terminal:
    """A progress bar with live figures; on something that is not a terminal, a line every ten seconds."""

    def __init__(self, console: Console | None = None):
        self.console = console or Console(stderr=True)
        self.figures: dict[str, float] = {}
        self.progress: Progress | None = None

    def start(self, what: str, done: int, total: int) -> None:
        self.what, self.total, self.begun, self.first, self.spoken = what, total, time.monotonic(), done, time.monotonic()
        if self.console.is_terminal:
            self.progress = _progress(self.console, what, total)
            self.progress.start()
            self.task = self.progress.add_task(what, completed=done, total=total, figures=[])

    def step(self, done: int, metrics: Mapping[str, float]) -> None:
        self.figures |= {name: metrics[name] for name in FIGURES if name in metrics}
        shown = [f"{name.removeprefix('eval/')} {value:.3g}" for name, value in self.figures.items()]
        if self.progress is not None:
            self.progress.update(self.task, completed=done, figures=shown)
            return
        now = time.monotonic()
        if now - self.spoken >= SECONDS_BETWEEN_LINES or done == self.total:
            left = (now - self.begun) / max(done - self.first, 1) * (self.total - done)
            self.console.print(f"{self.what} {done}/{self.total}  {left:.0f} s left  {'  '.join(shown)}", highlight=False, soft_wrap=True)
            self.spoken = now

    def say(self, sentence: str) -> None:
        (self.progress.console if self.progress else self.console).print(sentence, highlight=False, soft_wrap=True)

    def stop(self) -> None:
        if self.progress is not None:
            self.progress.stop()
            self.progress = None


def _progress(console: Console, what: str, total: int) -> Progress:
    """How far the run is and how long it takes in full, on whatever width; of the bar and the figures as much as there is room for."""
    wide = console.width
    kept = _width(what) + 2 * len(str(total)) + sum(map(len, "/ 0:00:00 left 0:00:00   "))
    columns: list[ProgressColumn] = [
        TextColumn("[bold]{task.description}", table_column=Column(no_wrap=True, min_width=_width(what))),
        MofNCompleteColumn(table_column=Column(no_wrap=True, min_width=2 * len(str(total)) + 1)),
        TimeElapsedColumn(table_column=Column(no_wrap=True, min_width=7)),
        TextColumn("left", table_column=Column(no_wrap=True, min_width=4)),
        TimeRemainingColumn(table_column=Column(no_wrap=True, min_width=7)),
    ]
    room = wide - kept - 2
    if room >= BAR + 1 + FOR_FIGURES:
        columns.insert(1, BarColumn(bar_width=BAR))
        room -= BAR + 1
    return Progress(*columns, _Figures(room), console=console)


def _width(text: str) -> int:
    return Text(text).cell_len


class _Figures(ProgressColumn):
    """Those of the figures that fit whole, from the first on."""

    def __init__(self, room: int):
        super().__init__(table_column=Column(no_wrap=True))
        self.room = room

    def render(self, task: Task) -> Text:
        shown = ""
        for figure in task.fields["figures"]:
            longer = f"{shown}  {figure}" if shown else figure
            if len(longer) > self.room:
                break
            shown = longer
        return Text(shown)


@contextlib.contextmanager
def encoding(display: Display, rows: int) -> Iterator[Callable[[int], None]]:
    """Within, whoever waits for so many rows to be encoded sees how far it is; for few, which take no time, nothing is said."""
    if rows < MANY:
        yield lambda done: None
        return
    display.start("encode", 0, rows)
    try:
        yield lambda done: display.step(done, {}) if not done % (MANY // 20) or done == rows else None
    finally:
        display.stop()
