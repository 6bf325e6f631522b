"""Worker: the one thread that owns the model. It loads it, and then scores what the queue gives until that is closed."""

import threading
import time
from collections.abc import Callable

from guerdon.interfaces.serving.metrics import Metrics
from guerdon.interfaces.serving.queueing import Job, Queue
from guerdon.interfaces.serving.scoring import Scoring, Unscored
from guerdon.interfaces.serving.settings import Settings


class Worker:
    """The thread and its model.

    Args:
        load: gives the running scorer.
        failed: is called, once ``error`` says why, where that was not possible.
    """

    def __init__(self, load: Callable[[], Scoring], queue: Queue, settings: Settings, metrics: Metrics, failed: Callable[[], None]):
        self._load, self._queue, self._settings, self._metrics, self._failed = load, queue, settings, metrics, failed
        self.scoring: Scoring | None = None
        self.error: BaseException | None = None
        self.rate = 0.0  # tokens in a second, of the last batches
        self._thread = threading.Thread(target=self._run, daemon=True, name="guerdon-scorer")

    def start(self) -> None:
        self._thread.start()

    def join(self, timeout: float) -> None:
        self._thread.join(timeout)

    @property
    def lives(self) -> bool:
        return self._thread.is_alive()

    def _run(self) -> None:
        try:
            self.scoring = self._load()
        except BaseException as error:
            self.error = error
            self._failed()
            return
        while (batch := self._queue.take(self._settings.tokens_at_once, self._settings.wait / 1000)) is not None:
            self._score(batch)

    def _score(self, batch: list[tuple[Job, int]]) -> None:
        batch = [(job, place) for job, place in batch if not job.dropped]
        if not batch:
            return
        begun, tokens = time.monotonic(), sum(job.costs[place] for job, place in batch)
        try:
            said = self.scoring.measure([job.items[place] for job, place in batch])
        except BaseException as error:  # whatever somebody's model raises: the others' requests are answered all the same
            said = [Unscored(f"the model failed: {type(error).__name__}")] * len(batch)
        seconds = max(time.monotonic() - begun, 1e-6)
        self.rate = tokens / seconds if not self.rate else 0.8 * self.rate + 0.2 * tokens / seconds
        self._metrics.batch(len(batch), tokens, seconds)
        for (job, place), found in zip(batch, said, strict=True):
            self._deliver(job, place, found)

    def _deliver(self, job: Job, place: int, found: object) -> None:
        if job.dropped:
            return
        if isinstance(found, Unscored):
            self._queue.drop(job)
            job.done((place, found))
            return
        job.found[place] = found
        job.left -= 1
        if not job.left:
            job.done(job.found)
