"""The running workers of a placement: they are sent the weights when these have moved, and ended with the loop."""

import os
import sys
from typing import Any

import torch

from guerdon.errors import InputError
from guerdon.feedback.running import RewardRunner
from guerdon.models import Policy
from guerdon.models.sharding import is_sharded
from guerdon.processes import here
from guerdon.saying import say
from guerdon.training.judging import Scene
from guerdon.training.placements._drawing import Drawing
from guerdon.training.placements._judging import JudgedAside
from guerdon.training.placements._pool import Pool
from guerdon.training.placements._weights import Fingerprints, bare, moves, packed, sent, trained
from guerdon.training.placements._worker import Drawer, Judge, Setting, Version, about


class Running:
    """The workers of a policy. On a process that is not the first there are none, and it only helps to put split weights together.

    Args:
        placement: how many, and what they are given.
        cluster: where they run; None on a process that is not the first.
    """

    def __init__(self, placement: Any, policy: Policy, cluster: Any):
        self.placement, self.policy, self.cluster = placement, policy, cluster
        self.moves: list[int] | None = None
        self.version: Version | None = None
        self.fingerprints = Fingerprints()
        self.drawers: Pool | None = None
        self.judges: Pool | None = None
        self.said: set[str] = set()
        if cluster is None:
            return
        try:
            known = cluster.put(sent((bare(policy), placement.engine), "placement: the model"))
            device = "cuda" if placement.gpus else "cpu"
            self.drawers = self._pool(Drawer, placement.workers, placement.cpus, placement.gpus, self._setting(known, device))
        except BaseException:
            self.close()
            raise

    def drawing(self, own: bool = False) -> Policy:
        """See ``Workers.drawing``."""
        processes = here()
        module = self.policy.module
        now = moves(module)
        if processes.any(now is None or now != self.moves):
            self.moves = now
            values = trained(module)  # those that are split are put together, by all
            processes.at_once(lambda: self._deliver(values), "sending weights")
        if self.drawers is None:
            return self.policy
        return Drawing(self.policy, self.drawers, self.version, own, self.placement.sequences, self._once)

    def judging(self, scene: Scene) -> Scene:
        """See ``Workers.judging``."""
        if not self.placement.judges or self.cluster is None:
            return scene
        sendable(getattr(scene, "rewards", None))
        known = self.cluster.put(sent(scene, "placement.judges: what judges the task's completions"))
        self.judges = self._pool(Judge, self.placement.judges, 0.0, 0.0, self._setting(known, ""))
        return JudgedAside(scene, self.judges)

    def close(self) -> None:
        """See ``Workers.close``."""
        for pool in (self.drawers, self.judges):
            if pool is not None:
                pool.close()
        if self.cluster is not None:
            self.cluster.close()

    def _pool(self, kind: type, count: int, cpus: float, gpus: float, setting: Setting) -> Pool:
        placement = self.placement
        return Pool(self.cluster, kind, (cpus, gpus), setting, count, placement.replacements, placement.patience)

    def _setting(self, known: Any, device: str) -> Setting:
        cpus, _ = self.cluster.resources()
        threads = int(os.environ.get("OMP_NUM_THREADS") or max(int(cpus) // self.placement.workers, 1))
        return Setting(about(), known, threads, os.getcwd(), tuple(sys.path), device, self.cluster.fetch)

    def _deliver(self, values: dict[str, Any]) -> None:
        """A new version of the weights, if they are others, for those who draw from now on."""
        if self.cluster is None:
            return
        module = self.policy.module
        split = {name: values[name] for name, p in module.named_parameters() if is_sharded(p)}
        fingerprint = self.fingerprints.of(module, split)
        if self.version is not None and fingerprint == self.version.fingerprint:
            return
        number = 0 if self.version is None else self.version.number + 1
        reference = self.cluster.put({name: packed(value) for name, value in values.items()})
        self.version = Version(number, reference, fingerprint, torch.are_deterministic_algorithms_enabled())

    def _once(self, sentence: str) -> None:
        if sentence not in self.said:
            self.said.add(sentence)
            say(sentence)


def sendable(rewards: Any) -> None:
    """See that every reward can be sent to another process.

    Raises:
        InputError: one cannot; it is named.
    """
    for name, function in rewards.functions.items() if isinstance(rewards, RewardRunner) else ():
        try:
            sent(function, f"the reward {name}")
        except InputError as error:
            raise InputError(
                f"placement.judges: {error}; make it a function of a file (file.py:function) that opens what it needs itself, or set judges to 0"
            ) from error
