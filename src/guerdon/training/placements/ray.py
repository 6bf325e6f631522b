"""Ray: rollout workers and judges as processes of a Ray cluster, on this machine or on many.

    workers  ← the policy once, then what is trained whenever it has moved; its fingerprint is compared
    prompts  → units of some ``sequences``, each to the next worker that is free → sequences
    rollouts → ``judges``, prompt by prompt where rewards read no more

The environment's ``RAY_ADDRESS`` names the head node of a cluster that is joined; without it one is started on this machine and ended with the run. A worker that dies is
replaced and its unit drawn again. Tokens are those that the learner would draw itself, on any number of workers, and all else is the same up to the last digit of a
float32 number, in which products of other shapes may differ; between one number of workers and another, with or without a death, nothing differs.

Attributes:
    workers: processes that draw, each with a copy of the model.
    judges: processes that judge; 0: the learner's process sees to it. They take no CPU from the others, since they work when those rest.
    learners: whether the processes that learn (``budget.processes``) are started there as well, each with as much; else they are on this machine.
    cpus, gpus: that each worker takes. With a GPU it computes there, else on the CPU.
    engine: of ``acting.engines``, who draws in each worker in the place of the policy's own sampler. Evaluations stay with that one.
    sequences: about so many to a unit. Fewer let workers end at the same time, more make better products; results may differ in a last digit.
    replacements: so many workers may be lost in a row before the run fails.
    patience: seconds that a unit may take before its worker counts as lost.

Source: ours, over Ray (arXiv 1712.05889), https://docs.ray.io. Defaults: ours; ``sequences`` as measured on two cores.
Invalid: with an engine of the sampler's, which draws for the learner's process already.
"""

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from guerdon.acting.engines import Engine
from guerdon.errors import InputError
from guerdon.models import Policy
from guerdon.processes import here
from guerdon.training.placements import Workers


@dataclass(frozen=True)
class Ray:
    workers: int = 2
    judges: int = 0
    learners: bool = False
    cpus: float = 1.0
    gpus: float = 0.0
    engine: Engine | None = None
    sequences: int = 64
    replacements: int = 3
    patience: float = 600.0

    def __post_init__(self) -> None:
        for name, least in (("workers", 1), ("judges", 0), ("cpus", 0), ("gpus", 0), ("sequences", 1), ("replacements", 0)):
            if getattr(self, name) < least:
                raise InputError(f"{name} is at least {least}, not {getattr(self, name)}")
        if self.patience <= 0:
            raise InputError(f"patience is above 0 seconds, not {self.patience}")

    def look(self, rewards: Mapping[str, Callable[..., Any] | str] = {}) -> str:
        """What will be placed where.

        Args:
            rewards: what judges are to be sent.

        Raises:
            InputError: Ray is not installed, there is no cluster where one should be, or it is too small; or a reward cannot be sent.
        """
        from guerdon.feedback.running import RewardRunner
        from guerdon.training.placements import _cluster
        from guerdon.training.placements._running import sendable

        _cluster.installed()
        if self.judges and rewards:
            with RewardRunner(rewards) as runner:
                sendable(runner)
        if not here().first:
            return ""
        if _cluster.address() in _cluster.HERE[:2]:
            where, there = "a Ray cluster that is started on this machine", _cluster.here()
        else:
            cluster = _cluster.Cluster()
            try:
                where, there = f"the Ray cluster at {_cluster.address()}", cluster.resources()
            finally:
                cluster.close()
        self._fits(*there)
        each = f"{self.cpus:g} CPU" + f" and {self.gpus:g} GPU" * bool(self.gpus)
        drawn = f"completions are drawn by {self.workers} workers ({each} each)" + f" through {type(self.engine).__name__}" * bool(
            self.engine
        )
        judged = f"judged by {self.judges} processes" if self.judges else "judged by the learner's process"
        judged += ", the processes that learn are started there too" * self.learners
        return f"{drawn} and {judged}, on {where} of {there[0]:g} CPUs and {there[1]:g} GPUs"

    @contextlib.contextmanager
    def starting(self, count: int) -> Iterator[Callable[[int, Sequence[str]], Iterator[Any]]]:
        """Within, what starts ``count`` learners.

        Raises:
            InputError: there is no cluster, or it is too small.
        """
        from guerdon.training.placements import _cluster
        from guerdon.training.placements._learners import started

        _cluster.installed()
        cluster = _cluster.Cluster()
        try:
            self._fits(*cluster.resources(), count + self.workers, f"{count} learners and {self.workers} workers")
            yield partial(started, cluster, self.cpus, self.gpus)
        finally:
            cluster.close()

    def build(self, policy: Policy) -> Workers:
        """The workers, running, each with the model.

        Raises:
            InputError: there is no cluster, it is too small, or what is to be sent cannot be.
            RunFailed: a worker does not start.
        """
        from guerdon.training.placements._running import Running

        return here().at_once(lambda: self._running(Running, policy), "placing")

    def _running(self, running: type, policy: Policy) -> Workers:
        from guerdon.training.placements import _cluster

        if not here().first:
            return running(self, policy, None)
        _cluster.installed()
        cluster = _cluster.Cluster()
        try:
            self._fits(*cluster.resources())
        except InputError:
            cluster.close()
            raise
        return running(self, policy, cluster)

    def _fits(self, cpus: float, gpus: float, count: int = 0, several: str = "") -> None:
        count, several = count or self.workers, several or f"{self.workers} workers"
        for name, each, there in (("cpus", self.cpus, cpus), ("gpus", self.gpus, gpus)):
            if each * count > there:
                kind = name[:-1].upper()
                raise InputError(
                    f"placement: {several} of {each:g} {kind} each need {each * count:g}, and there are {there:g}; set workers to "
                    f"{max(int(there // each) - count + self.workers, 1)} or less, or lower {name}"
                    if there >= each
                    else f"placement.{name}: a worker is to have {each:g} {kind}, and there are {there:g} in all; lower it"
                )
