"""Drawing: who draws and judges the rollouts of a step, and when.

    this process, or all that there are      at once: the step waits for it
    an engine, or workers, elsewhere         the first process asks, and tells the others; in the background where ``ahead`` of the step that learns from it

Whoever draws and however long it takes, it is with the policy as it is when it is asked, so that what comes of it depends on neither.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor

from guerdon.acting.samplers import Sampler
from guerdon.models import Model, Policy
from guerdon.processes import ALONE, here
from guerdon.sequences import Decoding, Sequences
from guerdon.threads import beside, waited
from guerdon.training.judging import Judged, Row
from guerdon.training.overlapping import Overlapping
from guerdon.training.placements import Workers

Found = tuple[Sequences, Judged, dict[str, float]]


@dataclass
class Coming:
    """Rollouts that were asked for.

    Attributes:
        step: that learns from them.
        version: of the policy that draws them: the step after which it was.
        indices: the rows that they answer.
        cut: how many of these had to be shortened.
        found: rollouts, verdicts and seconds; waits for them.
    """

    step: int
    version: int
    indices: list[int]
    cut: int
    found: Callable[[], Found]

    def state(self) -> dict[str, Any]:
        """What is taken up after a stop; waits for it. All processes have to ask."""
        found = self.found()
        self.found = lambda: found
        return {"step": self.step, "version": self.version, "indices": self.indices, "cut": self.cut, "found": found}

    @classmethod
    def of(cls, state: Mapping[str, Any]) -> "Coming":
        return cls(**{**state, "found": lambda: state["found"]})


class Drawing:
    """Has rollouts drawn and judged.

    Args:
        ahead: whether steps are made meanwhile.
        workers: that draw for the policy, if any do.
    """

    def __init__(
        self,
        policy: Policy,
        act: Overlapping,
        views: Mapping[str, Model],
        ahead: bool,
        workers: Workers | None = None,
    ):
        self.policy, self.act, self.views, self.ahead, self.workers = policy, act, views, ahead, workers
        self.under_way: list[Future] = []

    def __call__(
        self,
        sampler: Sampler,
        contexts: Sequence[Tensor],
        rows: Sequence[Row],
        seeds: tuple[int, int],
        decoding: Decoding,
        dealt: Mapping[str, Tensor] | None = None,
    ) -> Callable[[], Found]:
        """Begin, and return what waits for it: the same on every process."""
        asked = (contexts, decoding, rows, seeds, self.views, dealt)
        engine = getattr(sampler, "engine", None)
        if self.workers is not None:
            return self._by_workers(sampler, self.workers.drawing(), asked)
        if engine is None:
            return _there(self.act(sampler, self.policy, *asked))
        if not self.ahead or getattr(sampler, "looks", False) or not hasattr(engine, "ready"):
            return _there(here().from_first(lambda: self.act(sampler, self.policy, *asked, ALONE), "drawing"))
        return self._begun(lambda: (replace(sampler, engine=engine.ready(self.policy, contexts, decoding, self._idle)), self.policy), asked)

    def _by_workers(self, sampler: Sampler, policy: Policy, asked: tuple[Any, ...]) -> Callable[[], Found]:
        """``policy``: with the weights as they are now."""
        if not self.ahead or getattr(sampler, "looks", False):
            return _there(here().from_first(lambda: self.act(sampler, policy, *asked, ALONE), "drawing"))
        return self._begun(lambda: (sampler, policy), asked)

    def _begun(self, ready: Callable[[], tuple[Sampler, Policy]], asked: tuple[Any, ...]) -> Callable[[], Found]:
        """Begin in the background of the first process; ``ready`` is who samples for whom there."""
        begun: list[Future] = []

        def begin() -> None:
            begun.append(beside("guerdon-drawing", self.act, *ready(), *asked, ALONE))
            self.under_way = [future for future in self.under_way if not future.done()] + begun

        here().from_first(begin, "beginning to draw")
        return lambda: here().from_first(lambda: _in_the_end(begun[0]), "drawing")

    def _idle(self) -> None:
        """Wait until nothing is being drawn; what went wrong is for those to hear who wait for it."""
        for future in self.under_way:
            with suppress(Exception):
                waited(future)
        self.under_way = []

    def filled(self, sampler: Sampler, rollouts: Sequences) -> Sequences:
        """The rollouts with what an engine that drew in the background could not ask the policy for."""
        engine = getattr(sampler, "engine", None)
        return engine.filled(self.policy, rollouts) if self.ahead and hasattr(engine, "filled") else rollouts


def _there(found: Found) -> Callable[[], Found]:
    return lambda: found


def _in_the_end(begun: Future) -> Found:
    """What comes of it, and for how long the step had to wait."""
    start = time.perf_counter()
    rollouts, verdicts, seconds = waited(begun)
    return rollouts, verdicts, {**seconds, "waiting": time.perf_counter() - start}
