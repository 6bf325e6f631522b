"""Spreading: each process answers and judges some of a step's prompts, and all of them know what came of all.

    policy  → Spread(policy)     draws the sequences of its own prompts, and gets those of the others from them
    judge   → judged(scene, ...)

A sampler knows nothing of it: what it asks of the policy it gets whole. A sequence is drawn from random numbers of its own, so that who draws it changes nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from guerdon.feedback.running import Scored
from guerdon.models import Finished, Policy
from guerdon.parts import wants
from guerdon.processes import Processes, here
from guerdon.sequences import Decoding, Sequences, concatenate
from guerdon.training.judging import Begun, Judged, Row, Scene


def spread(policy: Policy, processes: Processes | None = None) -> Policy:
    """The policy, which draws its process's share where there are several."""
    return Spread(policy) if (here() if processes is None else processes).several else policy


def own_prompts(count: int, processes: Processes) -> list[int]:
    """Which of a step's prompts are this process's: dealt in turn. Fetching the next ones when free would take pieces, of which each makes its longest answer's steps
    anew: 1.0 to 1.7 times as long as this, but where long answers lie at every second place (docs/processes.md)."""
    return list(range(processes.rank, count, processes.count))


@dataclass(frozen=True)
class Part:
    """What is asked of whoever draws some of the prompts: which rows of all those are, and the arguments of ``Policy.sample``."""

    rows: Tensor
    contexts: list[Tensor]
    context: Tensor
    uniforms: Tensor


def part_of(contexts: Sequence[Tensor], context: Tensor, uniforms: Tensor, own: Sequence[int]) -> Part:
    """The sequences of the prompts ``own``."""
    place = torch.full((len(contexts),), -1)
    place[own] = torch.arange(len(own))
    rows = (place[context] >= 0).nonzero().squeeze(-1)
    return Part(rows, [contexts[i] for i in own], place[context[rows]], uniforms[rows])


def together(contexts: Sequence[Tensor], context: Tensor, drawn: Sequence[tuple[Tensor, Sequences]]) -> Sequences:
    """All sequences in their order, out of parts with their rows."""
    whole, order = concatenate([part for _, part in drawn]), torch.cat([rows for rows, _ in drawn])
    back = torch.argsort(order)
    found = {name: value[back] for name, value in whole.quantities.items()}
    mask, length = whole.mask[back], whole.length[back]
    return replace(whole, contexts=list(contexts), context=context, actions=whole.actions[back], mask=mask, length=length, quantities=found)


class Spread:
    """A policy whose draws are spread over the processes, by prompt. In everything else it is the policy."""

    def __init__(self, policy: Policy):
        self._policy = policy

    def __getattr__(self, name: str) -> Any:
        return getattr(self._policy, name)

    def sample(
        self, contexts: Sequence[Tensor], context: Tensor, decoding: Decoding, uniforms: Tensor, finished: Finished | None = None
    ) -> Sequences:
        """See ``guerdon.models.Policy``. ``finished`` is told of this process's sequences, as rows of what it draws."""
        processes = here()
        own = part_of(contexts, context, uniforms, own_prompts(len(contexts), processes))
        told = {"finished": finished} if finished is not None and "finished" in wants(self._policy.sample) else {}

        def draw() -> tuple[Tensor, Sequences | None]:
            return own.rows, self._policy.sample(own.contexts, own.context, decoding, own.uniforms, **told) if len(own.rows) else None

        return together(contexts, context, [(rows, part) for rows, part in processes.each(draw) if part is not None])

    def mixed(self, other: Policy, weight: float) -> "Spread":
        """See ``guerdon.models.Mixable``."""
        return Spread(self._policy.mixed(other, weight))


def judged(
    scene: Scene, rollouts: Sequences, rows: Sequence[Row], seed: int, begun: Begun | None = None, processes: Processes | None = None
) -> Judged:
    """The verdicts on all rollouts, of which each process found those on its own prompts. What reads the whole batch is asked once, on the first; what
    is read from a table is read everywhere. Failures are counted by whoever learns from them (``watched``)."""
    processes = here() if processes is None else processes
    told = {} if begun is None else {"begun": begun}
    if not hasattr(scene, "by_prompt"):
        return scene.judge(rollouts, rows, seed, **told)
    if not processes.several:
        return scene.judge(rollouts, rows, seed, **told, watching=False)
    if not scene.by_prompt:
        return processes.from_first(lambda: scene.judge(rollouts, rows, seed, watching=False))
    own = own_prompts(len(rows), processes)
    mine = torch.isin(rollouts.context, torch.tensor(own, dtype=torch.long)).nonzero().squeeze(-1)
    asked = torch.unique(rollouts.context[mine]).tolist()

    def judge() -> tuple[Tensor, Judged]:
        known = told if asked == own else {}
        return mine, scene.judge(rollouts.select(mine), [rows[i] for i in asked], seed, watching=False, **known)

    return whole_of(len(rollouts), processes.each(judge))


def watched(scene: Scene, verdicts: Judged) -> Judged:
    """The verdicts, with those that failed counted.

    Raises:
        RunFailed: they were too many.
    """
    if hasattr(scene, "watch"):
        scene.watch(verdicts)
    return verdicts


def whole_of(count: int, parts: Sequence[tuple[Tensor, Judged]]) -> Judged:
    """The verdicts of all parts, with their rows, in the order of the rollouts."""
    names = parts[0][1].scored.components
    components = {name: torch.zeros(count, dtype=torch.float64) for name in names}
    invalid = torch.zeros(count, dtype=torch.bool)
    errors, prompts, completions = [None] * count, [None] * count, [None] * count
    said = {name: [""] * count for name in {name for _, part in parts for name in part.scored.said}}
    for rows, part in parts:
        invalid[rows] = part.scored.invalid
        for name in names:
            components[name][rows] = part.scored.components[name]
        for k, row in enumerate(rows.tolist()):
            errors[row], prompts[row], completions[row] = part.scored.errors[k], part.prompts[k], part.completions[k]
            for name, texts in part.scored.said.items():
                said[name][row] = texts[k]
    return Judged(Scored(components, invalid, errors, said), prompts, completions)
