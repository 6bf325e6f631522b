"""Arriving: rewards begin on the completions that are there while others are still sampled.

A function for one completion begins as soon as the completion has ended; one that sees a group (``verifiers group``, or TRL's signature with
``per_batch`` false), as soon as the group is whole. Which functions, and where they run, is for ``guerdon.feedback.running`` to say.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from typing import Any

from guerdon.feedback.adapters import Adapted, Call, group_key

Start = Callable[..., list[tuple[Call, Future]]]


class Arriving:
    """The judging of a batch whose completions arrive one after another.

    Args:
        rewards: those that begin before all completions are there, by name.
        start: starts a reward, by name, on rows of the batch.
        prompts, columns: of the whole batch; a column may be a list that its owner fills as completions arrive.
    """

    def __init__(self, rewards: Mapping[str, Adapted], start: Start, prompts: Sequence[Any], columns: Mapping[str, Sequence[Any]]) -> None:
        self.rewards, self.start, self.prompts, self.columns = rewards, start, prompts, columns
        self.completions: list[Any] = [None] * len(prompts)
        self.started: dict[str, list[tuple[Call, Future]]] = {name: [] for name in rewards}
        self._waiting: dict[str, list[int]] = {}  # by group, those of its rows that are there
        groups = columns.get("group", ())
        rows = range(len(prompts))
        self._key = [group_key({"prompt": prompts[row]} | ({"group": groups[row]} if len(groups) else {})) for row in rows]
        self._size = Counter(self._key)
        self._clock = Overlap()

    def add(self, rows: Sequence[int], completions: Sequence[Any]) -> None:
        """The completions of these rows are there.

        Raises:
            InputError: a reward asks for a column that the data do not have.
        """
        whole: list[int] = []
        for row, completion in zip(rows, completions, strict=True):
            self.completions[row] = completion
            group = self._waiting.setdefault(self._key[row], [])
            group.append(row)
            if len(group) == self._size[self._key[row]]:
                whole += sorted(group)
        for name, reward in self.rewards.items():
            ready = whole if reward.kind in ("trl", "verifiers group") else rows
            if ready:
                begun = self.start(name, self.prompts, self.completions, self.columns, ready)
                self.started[name] += begun
                for _, future in begun:
                    self._clock.follow(future)

    @property
    def seconds(self) -> float:
        """For how long something has been running so far."""
        return self._clock.seconds


class Overlap:
    """For how long at least one of the futures that are followed has not been done."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running, self._since, self._total = 0, 0.0, 0.0

    def follow(self, future: Future) -> None:
        """Count from now until the future is done."""
        with self._lock:
            if not self._running:
                self._since = time.perf_counter()
            self._running += 1
        future.add_done_callback(self._ended)

    def _ended(self, future: Future) -> None:
        with self._lock:
            self._running -= 1
            if not self._running:
                self._total += time.perf_counter() - self._since

    @property
    def seconds(self) -> float:
        """So far."""
        with self._lock:
            return self._total + (time.perf_counter() - self._since if self._running else 0.0)
