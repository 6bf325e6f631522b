"""What the person who waits sees: a bar with the time left and live figures on a terminal, a line now and then elsewhere."""

import time
from collections.abc import Mapping
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

FIGURES = ("loss", "reward", "rewards/accuracies", "rewards/margins", "eval/accuracy", "kl", "completions/mean_length")
SECONDS_BETWEEN_LINES = 10.0


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
            self.progress = Progress(
                TextColumn("[bold]{task.description}"),
                BarColumn(bar_width=24),
                MofNCompleteColumn(),
                TimeElapsedColumn(),
                TextColumn("left"),
                TimeRemainingColumn(),
                TextColumn("{task.fields[figures]}"),
                console=self.console,
            )
            self.progress.start()
            self.task = self.progress.add_task(what, completed=done, total=total, figures="")

    def step(self, done: int, metrics: Mapping[str, float]) -> None:
        self.figures |= {name: metrics[name] for name in FIGURES if name in metrics}
        shown = "  ".join(f"{name.removeprefix('eval/')} {value:.3g}" for name, value in self.figures.items())
        if self.progress is not None:
            self.progress.update(self.task, completed=done, figures=shown)
            return
        now = time.monotonic()
        if now - self.spoken >= SECONDS_BETWEEN_LINES or done == self.total:
            left = (now - self.begun) / max(done - self.first, 1) * (self.total - done)
            self.console.print(f"{self.what} {done}/{self.total}  {left:.0f} s left  {shown}", highlight=False, soft_wrap=True)
            self.spoken = now

    def say(self, sentence: str) -> None:
        (self.progress.console if self.progress else self.console).print(sentence, highlight=False, soft_wrap=True)

    def stop(self) -> None:
        if self.progress is not None:
            self.progress.stop()
            self.progress = None
