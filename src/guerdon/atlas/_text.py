"""What experiments with small language models share: answers to held-out prompts, and how far a policy went."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from guerdon.acting.samplers.group import Group
from guerdon.evaluation.metrics.kl_to_reference import KLToReference
from guerdon.models import Model, Policy
from guerdon.sequences import Decoding, Sequences
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
