"""What the experiments on logged answers share: answers whose steps earn something, drawn once by a policy of its own, and the exact optimum of reward - beta KL.

    step_reward(x, prefix, action) ~ N(0, 0.5^2), independently, so that the reward of an answer of four steps has the deviation 1

"lost" is what is lacking of the best E[reward] - beta KL, that is beta * KL(policy || optimum); "distance" the total variation between the two.
Both are means over prompts, and exact.
"""

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from guerdon.exact.solvers.kl_regularised_optimum import KLRegularisedOptimum
from guerdon.models.finite.policy import TablePolicy
from guerdon.models.finite.tree import PrefixTree
from guerdon.randomness import derive, generator
from guerdon.sequences import Example, Side
from guerdon.worlds.finite.enumerable import EnumerableWorld

BETA = 0.5


@dataclass(frozen=True)
class Steps(EnumerableWorld):
    """The world of a seed."""

    contexts: int = 2
    seed: int = 0
    tree = PrefixTree(3, 4)

    @cached_property
    def earned(self) -> Tensor:
        """[C, P, V]"""
        shape = (self.contexts, self.tree.prefixes, self.tree.vocabulary)
        return 0.5 * torch.randn(shape, dtype=torch.float64, generator=generator(self.seed, "steps"))

    @cached_property
    def along(self) -> Tensor:
        """[C, S, T], what each step of each answer earns."""
        return self.earned[:, self.tree.nodes(self.tree.actions), self.tree.actions]

    def rewards(self) -> Tensor:
        return self.along.sum(-1)

    def reference(self) -> TablePolicy:
        """The reference, to be trained: what every method starts from."""
        return self.policy(0.5, derive(self.seed, "reference")).build()

    def behaviour(self) -> Tensor:
        """[C, S], how likely answers are under who drew them: neither reference nor policy."""
        return self.policy(0.5, derive(self.seed, "behaviour")).build().log_probabilities().detach().exp()

    def drawn(self, answers: int) -> Tensor:
        """[C, answers / C], answers to each prompt by their number, in the order in which they were drawn."""
        return torch.multinomial(self.behaviour(), answers // self.contexts, True, generator=generator(self.seed, "log"))

    def optimum(self) -> Tensor:
        return KLRegularisedOptimum(BETA)(self.rewards(), self.reference().log_probabilities().detach().exp())["policy"]

    def measured(self, policy: TablePolicy) -> dict[str, float]:
        logp, best = policy.log_probabilities().detach(), self.optimum()
        apart = logp.exp() - best
        return {
            "lost": BETA * float((logp.exp() * (logp - best.log())).sum(-1).mean()),
            "distance": float(apart.abs().sum(-1).mean() / 2),
        }

    def side(self, context: int, answer: int, dense: bool = True) -> Side:
        """An answer as it stands in the log: what each step earned, or all of it at the last one."""
        steps = self.along[context, answer].tolist()
        steps = steps if dense else [0.0] * (len(steps) - 1) + [sum(steps)]
        return Side((context,), tuple(self.tree.actions[answer].tolist()), (True,) * len(steps), {"step_reward": tuple(steps)})

    def rows(self, weight: Tensor, dense: bool = True) -> list[Example]:
        """Each answer once, with its weight [C, S] over the mean of those that have one, and its reward."""
        reward, mean = self.rewards(), float(weight[weight > 0].mean())
        return [
            Example({"": self.side(c, s, dense)}, {"weight": float(weight[c, s]) / mean, "reward": float(reward[c, s])})
            for c, s in weight.nonzero().tolist()
        ]

    def pairs(self, drawn: Tensor, margin: bool) -> list[Example]:
        """The answers two by two, those that differ, the better one chosen; by how much it is only where that may be seen."""
        reward, rows = self.rewards(), []
        for c, answers in enumerate(drawn.tolist()):
            for two in zip(answers[::2], answers[1::2], strict=True):
                if two[0] != two[1]:
                    worse, better = sorted(two, key=lambda s, c=c: float(reward[c, s]))
                    seen = {"margin": float(reward[c, better] - reward[c, worse])} if margin else {}
                    rows.append(Example({"chosen": self.side(c, better), "rejected": self.side(c, worse)}, seen))
        return rows


def counted(drawn: Tensor, size: int) -> Tensor:
    """[C, S], how often each answer was drawn."""
    return torch.stack([torch.bincount(row, minlength=size) for row in drawn]).double()
