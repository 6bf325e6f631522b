"""What experiments with small language models share: answers to held-out prompts, how far a policy went, and what it was like on the way."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from guerdon.acting.samplers.group import Group
from guerdon.evaluation.metrics.kl_to_reference import KLToReference
from guerdon.models import Model, Policy
from guerdon.sequences import Decoding, Sequences
from guerdon.training.display import Silent
from guerdon.training.jobs import scene_for


def answers(
    policy: Policy, task: Any, decoding: Decoding, seed: int, rewards: Mapping[str, Any] | None = None, each: int = 1
) -> tuple[Sequences, dict[str, Tensor]]:
    """``each`` answers to every held-out prompt of the task, and what each reward (by default the task's own) says of them, [B]."""
    scene, rows = scene_for(policy, task, rewards or {}, {}), list(task.test())
    try:
        drawn = Group(each)(policy, scene.contexts(rows), decoding, seed)
        return drawn, scene.judge(drawn, rows, seed).scored.components
    finally:
        scene.close()


@torch.no_grad()
def divergence(drawn: Sequences, policy: Policy, reference: Model) -> float:
    """KL(policy || reference) in nats per answer, estimated on answers that the policy drew."""
    logp, ref_logp = (model.measure(drawn, {"logp"})["logp"] for model in (policy, reference))
    return float(KLToReference()(logp, ref_logp, drawn.mask).mean())


@dataclass
class Along(Silent):
    """A display that looks at the policy before the first step and after some: ``fit(..., display=Along(stops, look))``. What it saw, ``look()`` at each stop, are curves."""

    stops: Collection[int]
    look: Callable[[], Mapping[str, float]]
    seen: dict[int, Mapping[str, float]] = field(default_factory=dict)

    def step(self, step: int, metrics: Mapping[str, float]) -> None:
        if step == 0 or step in self.stops:
            self.seen[step] = self.look()

    @property
    def curves(self) -> dict[str, dict[int, float]]:
        """Measure → stop → number, from step 0 on."""
        return {name: {step: found[name] for step, found in self.seen.items()} for name in self.seen[0]}


def bought(value: Mapping[float, float], price: Mapping[float, float], at: float) -> float:
    """What a curve's ``value`` is where its ``price`` first comes to ``at``, in a line between its points; where it never gets so far, at its dearest point."""
    points = sorted(value)
    prices = np.maximum.accumulate([price[x] for x in points])
    return float(np.interp(at, prices, [value[x] for x in points]))
