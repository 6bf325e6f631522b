"""Working: calls to a system's file, each in a process of its own with one thread, so that no number depends on how many run at once."""

import contextlib
import importlib
import multiprocessing
import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from typing import Any

import torch


@dataclass(frozen=True)
class Call:
    """``function(*arguments, **knobs)`` of a module; ``threads`` None leaves torch's as they are."""

    module: str
    function: str
    arguments: tuple[Any, ...]
    knobs: Mapping[str, Any]
    threads: int | None = 1

    def __call__(self) -> Any:
        before = torch.get_num_threads()
        if self.threads is not None:
            torch.set_num_threads(self.threads)
        try:
            return getattr(importlib.import_module(self.module), self.function)(*self.arguments, **self.knobs)
        finally:
            torch.set_num_threads(before)


class Workers:
    """``jobs`` processes (one: this one) that work off calls. A context manager: leaving it ends them."""

    def __init__(self, jobs: int, quiet: bool = True):
        self.jobs, self.quiet, self._pool = jobs, quiet, None

    def __enter__(self) -> "Workers":
        if self.jobs > 1:
            self._pool = ProcessPoolExecutor(self.jobs, mp_context=multiprocessing.get_context("spawn"))
        return self

    def __exit__(self, *error: Any) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def all(self, calls: Sequence[Call], what: str = "") -> list[Any]:
        """What each call returns, in the order of the calls; ``what`` names them to whoever waits."""
        found: dict[int, Any] = {}
        with _progress(what, len(calls)) if not self.quiet else contextlib.nullcontext(lambda: None) as advance:
            for place, value in self._outcomes(calls):
                found[place] = value
                advance()
        return [found[place] for place in range(len(calls))]

    def _outcomes(self, calls: Sequence[Call]) -> Iterator[tuple[int, Any]]:
        if self._pool is None:
            yield from ((place, call()) for place, call in enumerate(calls))
            return
        futures = {self._pool.submit(call): place for place, call in enumerate(calls)}
        for future in as_completed(futures):
            yield futures[future], future.result()


def cores() -> int:
    """The processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextlib.contextmanager
def _progress(what: str, total: int):
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(what, total=total)
        yield lambda: progress.advance(task)
