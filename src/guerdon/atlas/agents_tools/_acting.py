"""What agents' worlds share: episodes in a finite process, a policy that is a table of logits over what it sees, and learning from what a batch of episodes earned.

A process is given by where actions lead, [S, A, S]; its last state is the end. What the policy sees of a state is a number (``seen`` [S]), so that states it cannot tell apart
share their logits. Groups are the episodes that begin alike. All that is learned is by plain gradient steps, and what a policy is worth is worked out exactly.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from guerdon.credit.advantages import Advantage
from guerdon.parts import call
from guerdon.randomness import generator

Judged = Mapping[str, Tensor]  # quantities of a batch of episodes, ``reward`` among them


@dataclass(frozen=True)
class Episodes:
    """Which states were gone through and what was done there, [B, T] each, ``mask`` while it lasted; ``last`` [B], the state in the end; ``group`` [B]."""

    states: Tensor
    actions: Tensor
    mask: Tensor
    last: Tensor
    group: Tensor

    def total(self, table: Tensor) -> Tensor:
        """[B], the sum of a table [S, A] over an episode."""
        return (table[self.states, self.actions] * self.mask).sum(-1)


@dataclass(frozen=True)
class Process:
    leads: Tensor
    starts: Tensor  # [P], where the episodes of each prompt begin
    turns: int
    seen: Tensor | None = None
    _sums: list[Tensor] = field(default_factory=list, compare=False, repr=False)

    @property
    def sees(self) -> Tensor:
        return torch.arange(len(self.leads)) if self.seen is None else self.seen

    def logits(self, by: float = 0.0) -> Tensor:
        """Of a policy that knows nothing."""
        return torch.full((int(self.sees.max()) + 1, self.leads.shape[1]), by, dtype=torch.float64)

    def acted(self, logits: Tensor, each: int, rng: torch.Generator) -> Episodes:
        if not self._sums:
            self._sums.append(self.leads.cumsum(-1))
        policy, end = logits.softmax(-1).cumsum(-1)[self.sees], len(self.leads) - 1
        group = torch.arange(len(self.starts)).repeat_interleave(each)
        state = self.starts[group]
        dice = torch.rand(self.turns, 2, len(group), 1, dtype=torch.float64, generator=rng)
        states, actions, masks = [], [], []
        for act, lead in dice:
            action = (policy[state] < act).sum(-1).clamp(max=logits.shape[1] - 1)
            states.append(state)
            actions.append(action)
            masks.append(state != end)
            state = (self._sums[0][state, action] < lead).sum(-1).clamp(max=end)
        return Episodes(torch.stack(states, 1), torch.stack(actions, 1), torch.stack(masks, 1), state, group)

    def visits(self, logits: Tensor) -> tuple[Tensor, Tensor]:
        """[S, A], how often each action is expected to be taken in each state, on average over prompts; [S], where an episode is in the end."""
        policy, end = logits.softmax(-1)[self.sees], len(self.leads) - 1
        there = torch.zeros(len(self.leads), dtype=torch.float64).index_add(
            0, self.starts, torch.full((len(self.starts),), 1 / len(self.starts), dtype=torch.float64)
        )
        total = torch.zeros_like(policy)
        for _ in range(self.turns):
            taken = there.unsqueeze(-1) * policy
            total += taken
            there = torch.einsum("sa,san->n", taken, self.leads)
        total[end] = 0.0
        return total, there

    def climbed(self, logits: Tensor, episodes: Episodes, advantage: Tensor, learning_rate: float) -> Tensor:
        """Logits after one step up the policy gradient."""
        width = logits.shape[1]
        sees = self.sees[episodes.states]
        gained = torch.zeros(logits.numel(), dtype=torch.float64).index_add(
            0, (sees * width + episodes.actions).flatten(), (advantage * episodes.mask).flatten()
        )
        gained = gained.view(logits.shape) / len(advantage)
        return logits + learning_rate * (gained - logits.softmax(-1) * gained.sum(-1, keepdim=True))


def learned(
    process: Process,
    judge: Callable[[Episodes], Judged],
    advantage: Advantage,
    learning_rate: float,
    steps: int,
    each: int,
    seed: int,
    start: Tensor | None = None,
    look: Callable[[int, Tensor, Episodes], Any] | None = None,
) -> Tensor:
    """The logits that come of it; ``look`` is shown each step's logits and episodes, and may return others."""
    logits, rng = process.logits() if start is None else start.clone(), generator(seed, "acting")
    for step in range(steps):
        episodes = process.acted(logits, each, rng)
        given = {"group": episodes.group, "mask": episodes.mask, **judge(episodes)}
        logits = process.climbed(logits, episodes, call(advantage, given), learning_rate)
        if look is not None and (found := look(step + 1, logits, episodes)) is not None:
            logits = found
    return logits
