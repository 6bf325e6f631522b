"""What experiments on written actions share: a policy that says one thing at each of a few places, and knows what it was told by its features.

    p(said | told) = product over places of softmax(told @ weight of the place)[said]        told [Q, F], said [Q, K, P]; all in float64

So what is learned of one prompt is known of others with the same features, and the chance of everything that can be said is exact.
"""

from collections.abc import Sequence

import numpy as np
import torch

from guerdon.credit.advantages.group_centred import GroupCentred


class Places:
    def __init__(self, features: int, sizes: Sequence[int]) -> None:
        self.weight = [np.zeros((features, size)) for size in sizes]

    def chances(self, told: np.ndarray) -> list[np.ndarray]:
        """Of each place, [Q, V]."""
        return [_softmax(told @ weight) for weight in self.weight]

    def drawn(self, told: np.ndarray, each: int, random: np.random.Generator) -> np.ndarray:
        """[Q, K, P] of ``each`` sayings to a prompt."""
        found = []
        for chance in self.chances(told):
            level = random.random((len(told), each, 1))
            found.append((level > chance.cumsum(-1)[:, None, :-1]).sum(-1))
        return np.stack(found, -1)

    def learn(self, told: np.ndarray, said: np.ndarray, gain: np.ndarray, rate: float) -> None:
        """A step up the mean of gain times log p; gain [Q, K], or [Q, K, P] where places earn apart."""
        rows = np.arange(len(told))[:, None]
        each = np.broadcast_to(gain if gain.ndim == 3 else gain[..., None], said.shape)
        for place, (chance, weight) in enumerate(zip(self.chances(told), self.weight, strict=True)):
            slope = -chance * each[..., place].mean(1, keepdims=True)
            np.add.at(slope, (rows, said[:, :, place]), each[..., place] / said.shape[1])
            weight += rate * told.T @ slope / len(told)


def advantages(reward: np.ndarray, part: GroupCentred) -> np.ndarray:
    """[Q, K], of rewards [Q, K], a prompt's being a group."""
    group = torch.arange(reward.size) // reward.shape[1]
    found = part(torch.as_tensor(reward).flatten(), group, torch.ones(reward.size, 1, dtype=torch.bool))
    return found[:, 0].numpy().reshape(reward.shape)


def _softmax(logits: np.ndarray) -> np.ndarray:
    weight = np.exp(logits - logits.max(-1, keepdims=True))
    return weight / weight.sum(-1, keepdims=True)
