"""What the experiments share in which a policy goes from problems that it practised to others: a table, to which a head adds what it says of each step that could be next.

    logits[c, p, v] = own[c, p, v] + sum over d of head[d] features[c, p, v, d]        ``own`` and the features are frozen; ``head`` [D] starts at 0

What it knows of its own of each beginning, and errs about, stays as it is; what is learned is the same everywhere, as far as the features are.
"""

import copy

import torch
from torch import Tensor, nn

from guerdon.models.finite.policy import TablePolicy
from guerdon.randomness import generator
from guerdon.worlds.finite.solutions import Solutions


class HeadedPolicy(TablePolicy):
    def __init__(self, start: TablePolicy, features: Tensor) -> None:
        super().__init__(start.tree, start.logits)
        self.own, self.features = start.logits.detach(), features
        self.module = nn.ParameterDict({"head": nn.Parameter(torch.zeros(features.shape[-1], dtype=torch.float64))})

    @property
    def logits(self) -> Tensor:
        return self.own + self.features @ self.module["head"]

    def copy(self) -> "HeadedPolicy":
        """A trainable one of its own."""
        other = copy.copy(self)
        other.module = copy.deepcopy(self.module)
        return other

    def of(self, problems: range) -> "HeadedPolicy":
        """One of its own, of these problems only."""
        other = self.copy()
        other.own, other.features = self.own[list(problems)], self.features[list(problems)]
        return other

    def with_head(self, other: "HeadedPolicy") -> "HeadedPolicy":
        """One of its own, which says of each step what the other does."""
        mine = self.copy()
        mine.module = copy.deepcopy(other.module)
        return mine

    def plain(self) -> TablePolicy:
        """What it says now as a table, which is quicker to ask."""
        return TablePolicy(self.tree, self.logits.detach())

    def reference(self) -> "HeadedPolicy":
        frozen = self.copy()
        frozen.module.requires_grad_(False)
        return frozen


def pools(world: Solutions, policy: TablePolicy, problems: range, each: int, seed: int) -> tuple[Tensor, Tensor, float]:
    """Of so many solutions of each problem the numbers that they answer with (-1: none), and whether these are right, [C, each] each; and how many steps one has on average."""
    chance = policy.log_probabilities().detach().exp()[list(problems)]
    which = torch.multinomial(chance, each, replacement=True, generator=generator(seed, "pool"))
    actions, last = world.tree.actions, (world.tree.length - 1).unsqueeze(-1)
    said = world.after().said[list(problems)]
    end = world.tree.nodes(actions).gather(1, last).squeeze(-1), actions.gather(1, last).squeeze(-1)
    number = torch.where(end[1] == world.answering, said[:, end[0], end[1]], -1)  # [C, S]
    return number.gather(1, which), world.rewards()[list(problems)].gather(1, which), float(world.tree.length[which].double().mean())


def voted(number: Tensor, right: Tensor, k: int, rounds: int, values: int, seed: int, weight: Tensor | None = None) -> float:
    """How often the number is right that most of ``k`` answers say, the mean over problems and over so many draws of k out of the pool [C, M]; of equal votes the first.

    ``weight``: [C, M], how much each vote counts.
    """
    lots = torch.rand(rounds, *number.shape, generator=generator(seed, "votes", k)).argsort(-1)[..., :k]
    said, good = (x.expand(rounds, *x.shape).gather(-1, lots) for x in (number, right))
    counts = torch.ones(said.shape, dtype=torch.float64) if weight is None else weight.expand(rounds, *weight.shape).gather(-1, lots)
    same = (said.unsqueeze(-1) == torch.arange(values)).double()  # [R, C, k, values]
    total = (same * counts.unsqueeze(-1)).sum(-2)  # [R, C, values]
    own = torch.where(said >= 0, total.gather(-1, said.clamp(min=0)), -1.0)  # the votes for what each answer says
    return float(good.gather(-1, own.argmax(-1, keepdim=True)).mean())
