"""The exact description of a finite Markov decision process, and paths through it."""

from dataclasses import dataclass

import torch
from torch import Tensor

from guerdon.errors import InputError


@dataclass(frozen=True)
class MDP:
    """Tables in float64.

    Attributes:
        transition: [S, A, S], probability of the next state. A state that only leads to itself at reward 0 is an end.
        reward: [S, A], expected reward of the action.
        initial: [S], probability of the first state.
        discount: factor by which the next step counts, in 0..1.
    """

    transition: Tensor
    reward: Tensor
    initial: Tensor
    discount: float

    def __post_init__(self) -> None:
        states, actions = self.reward.shape
        if self.transition.shape != (states, actions, states) or self.initial.shape != (states,):
            raise InputError(
                f"tables of {states} states and {actions} actions need transition [S, A, S] and initial [S], "
                f"not {tuple(self.transition.shape)} and {tuple(self.initial.shape)}"
            )
        for name, rows in (("transition", self.transition), ("initial", self.initial)):
            if bool((rows < 0).any()) or not torch.allclose(rows.sum(-1), torch.ones((), dtype=rows.dtype)):
                raise InputError(f"the probabilities of {name} must be at least 0 and sum to 1 over the last dimension")

    def rollout(self, policy: Tensor, uniforms: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Paths under ``policy`` [S, A].

        ``uniforms`` [B, 1 + 2 T]: one number for the first state, then for every action and next state. Returns states, actions [B, T] (long) and
        rewards [B, T].
        """
        state = _invert(self.initial.expand(len(uniforms), -1), uniforms[:, 0])
        states, actions, rewards = [], [], []
        for step in range((uniforms.shape[1] - 1) // 2):
            action = _invert(policy[state], uniforms[:, 1 + 2 * step])
            states.append(state)
            actions.append(action)
            rewards.append(self.reward[state, action])
            state = _invert(self.transition[state, action], uniforms[:, 2 + 2 * step])
        return torch.stack(states, 1), torch.stack(actions, 1), torch.stack(rewards, 1)


def _invert(probabilities: Tensor, uniform: Tensor) -> Tensor:
    """[B, K] distributions and [B] uniforms → [B] outcomes."""
    outcome = torch.searchsorted(probabilities.cumsum(-1), uniform.double().unsqueeze(-1), right=True).squeeze(-1)
    possible = torch.where(probabilities > 0, torch.arange(probabilities.shape[-1]), 0).amax(-1)
    return torch.minimum(outcome, possible)
