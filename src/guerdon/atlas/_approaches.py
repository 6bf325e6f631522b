"""Problems of some kinds, and a policy that learns of them only what their kinds share: what systems on reinforcement learning and distillation have in common.

``worlds.finite.approaches`` with ``models.finite.shared_shift``: a sequence of actions is an approach that works on some problems of a kind
and not on others; what is trained is a shift that all problems of a kind share, so nothing can be learned by heart. Half of the problems
are practised on, everything is measured on the other half, by sums over all sequences.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from guerdon.models.finite.policy import TablePolicy
from guerdon.models.finite.shared_shift import SharedShift
from guerdon.randomness import generator
from guerdon.sequences import Decoding, Example, Side
from guerdon.training.judging import FiniteScene
from guerdon.training.loops.improve import improve
from guerdon.training.recipe import Budget, Recipe
from guerdon.worlds.finite.approaches import Approaches


@dataclass(frozen=True)
class Practice:
    """A world, its base policy, and how much is practised.

    Attributes:
        steps: of training; ``prompts`` of each.
        mean: of the logits of the shares of problems on which approaches work.
    """

    seed: int
    steps: int
    prompts: int = 16
    problems: int = 256
    kinds: int = 4
    depth: int = 3
    mean: float = -2.0
    deviation: float = 1.5

    @property
    def world(self) -> Approaches:
        return Approaches(
            self.problems, self.kinds, vocabulary=4, depth=self.depth, mean=self.mean, deviation=self.deviation, seed=self.seed
        )

    def policy(self) -> TablePolicy:
        return SharedShift(self.problems, self.kinds, vocabulary=4, depth=self.depth, own=0.5, shared=2.0, seed=self.seed).build()

    @property
    def practised(self) -> list[dict[str, int]]:
        return self.world.train()[: self.problems // 2]

    def reinforced(self, method: Recipe) -> TablePolicy:
        """The base after reinforcement learning on the practised problems."""
        policy = self.policy()
        budget = Budget(self.steps, self.prompts, seed=self.seed)
        improve(policy, FiniteScene(self.world), self.practised, method, budget, Decoding(self.depth))
        return policy

    @torch.no_grad()
    def right_answers(self, count: int, weigh: Callable[[Tensor], Tensor], purpose: str) -> list[Example]:
        """``count`` right answers to practised problems, problem by problem in turn. ``weigh`` says of what is right [problems, S], 1 or 0, how likely
        it is; problems of which no answer is are passed over."""
        rng = generator(self.seed, "right answers", purpose)
        weight, taken = weigh(self.world.rewards()[: self.problems // 2]), self.world.tree.actions.tolist()
        known = [row["prompt"] for row in self.practised if weight[row["prompt"]].sum() > 0]
        out = []
        for place in range(count if known else 0):
            prompt = known[place % len(known)]
            actions = tuple(taken[int(torch.multinomial(weight[prompt], 1, generator=rng))])
            out.append(Example({"": Side((prompt,), actions, (True,) * len(actions))}))
        return out

    def success(self, policy: TablePolicy, held_out: bool = True) -> Tensor:
        """[problems / 2], the probability that one answer is right, with gradients."""
        half = self.problems // 2
        return policy.expect(self.world.rewards())[half:] if held_out else policy.expect(self.world.rewards())[:half]
