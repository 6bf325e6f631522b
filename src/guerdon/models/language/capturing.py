"""Capturing: what is done over and over with the same storage is recorded once, as a CUDA graph, and from then on started with one launch.

A step of decoding is some seven hundred small kernels. The host needs longer to launch them one by one than a card to run them; a graph holds them all, with the addresses
they read and write. So what is recorded must work on storage that stays, must not look at what it computed (no ``item``, no shape that depends on data), and is
recorded anew for every size.

Source: ours; graphs as ``torch.cuda.CUDAGraph`` documents them: run once on a stream of its own first, then recorded there; graphs that never run at the same time share memory.
"""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import torch

from guerdon.memory import ran_out


class Recorder:
    """Records functions of no arguments on one device. Where there are no graphs (on a CPU), and where recording has failed once, functions are simply called.

    Attributes:
        failed: why recording failed; empty where it did not.
    """

    def __init__(self, device: torch.device):
        self.device, self.failed = device, ""
        self.records = device.type == "cuda"
        self.stream = torch.cuda.Stream(device) if self.records else None
        self.anchor: Any = (
            None  # a graph that keeps the memory which all others share: a pool without a graph cannot be recorded into again
        )

    def once(self, function: Callable[[], None]) -> None:
        """Call it as it will be recorded: with what libraries set up at a first use."""
        with self._aside():
            function()

    def record(self, function: Callable[[], None]) -> Callable[[], None] | None:
        """What does again all that the function does; it does nothing yet. None where it could not be recorded."""
        try:
            return self._recorded(function)
        except RuntimeError as error:  # a driver, a library or an operation that cannot be recorded
            if ran_out(error):
                raise
            self.failed, self.records = str(error).strip().splitlines()[0], False
            return None

    def forget(self) -> None:
        """Nothing that was recorded is used any more: its memory is free for others."""
        self.anchor = None

    def _recorded(self, function: Callable[[], None]) -> Callable[[], None]:
        if self.anchor is None:
            self.anchor = self._graph(lambda: torch.zeros(1, device=self.device))
        return self._graph(function, self.anchor.pool()).replay

    def _graph(self, function: Callable[[], Any], pool: Any = None) -> Any:
        graph = torch.cuda.CUDAGraph()
        with self._aside():  # not ``torch.cuda.graph``, which would give back all cached memory each time
            graph.capture_begin(pool=pool, capture_error_mode="thread_local")
            try:
                function()
            except BaseException:
                with contextlib.suppress(RuntimeError):  # that what was begun is not valid
                    graph.capture_end()
                raise
            graph.capture_end()
        return graph

    @contextlib.contextmanager
    def _aside(self) -> Iterator[None]:
        """Within, work goes to the recorder's own stream, after what was asked for before and before what is asked for after.

        Kernels are chosen without torch's deterministic mode, which puts sorting in the place of writes to distinct places and knows no sums along a row, that are done
        in one order here anyway.
        """
        deterministic = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
        torch.use_deterministic_algorithms(False)
        try:
            if self.stream is None:
                yield
                return
            current = torch.cuda.current_stream(self.device)
            self.stream.wait_stream(current)
            with torch.cuda.stream(self.stream):
                yield
            current.wait_stream(self.stream)
        finally:
            torch.use_deterministic_algorithms(deterministic[0], warn_only=deterministic[1])


class Captured:
    """A function of no arguments: called the first time, recorded the second, and played back from then on."""

    def __init__(self, function: Callable[[], None], recorder: Recorder):
        self.function, self.recorder = function, recorder
        self.called, self.recorded = False, None

    def __call__(self) -> None:
        if self.recorded is None and self.called and self.recorder.records:
            self.recorded = self.recorder.record(self.function)
        if self.recorded is not None:
            self.recorded()
            return
        self.recorder.once(self.function)
        self.called = True
