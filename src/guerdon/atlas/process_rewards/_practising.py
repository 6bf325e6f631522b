"""What the experiments of process rewards in RL share: practice in solutions with steps, in which a table says what each step is worth."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from guerdon.atlas._text import Along
from guerdon.models.finite.policy import TablePolicy
from guerdon.randomness import derive
from guerdon.sequences import Decoding
from guerdon.training.judging import FiniteScene
from guerdon.training.loops.improve import improve
from guerdon.training.recipe import Budget, Recipe
from guerdon.worlds.finite.solutions import Solutions


@dataclass(frozen=True, eq=False)
class TableScorer:
    """A running scorer of steps: what a table [C, P, V] says of each step of an answer, a list of actions, to a problem."""

    world: Solutions
    table: Tensor

    def step_scores(self, prompts: Sequence[int], steps: Sequence[Sequence[Sequence[int]]], separator: str) -> list[list[float]]:
        out = []
        for problem, own in zip(prompts, steps, strict=True):
            node, said = 0, []
            for [action] in own:
                said.append(float(self.table[problem, node, action]))
                node = node * self.world.tree.vocabulary + action + 1
            out.append(said)
        return out

    def __repr__(self) -> str:
        return "TableScorer(...)"


def practised(
    method: Recipe,
    world: Solutions,
    policy: TablePolicy,
    problems: Sequence[int],
    seed: int,
    stops: tuple[int, ...],
    rewards: Mapping[str, Any] | None = None,
) -> dict[str, dict[int, float]]:
    """What comes of a policy that learns on these problems, before and after so many steps on all of them, exact: ``success``; how many ``steps`` its solutions
    have, and of these how many are ``idle``; and how often a right answer has a wrong step (``flawed``)."""
    rows = [{"prompt": c} for c in problems]
    where, outcome, wrong = torch.tensor(list(problems)), world.rewards(), (world.first_error() >= 0).double()
    idle = ((world.tree.actions == world.idling) & world.tree.mask).sum(-1).double()

    def look() -> dict[str, float]:
        chance = policy.log_probabilities().detach().exp()[where]
        success = float((chance * outcome[where]).sum(-1).mean())
        return {
            "success": success,
            "steps": float((chance * world.tree.length).sum(-1).mean()),
            "idle": float((chance * idle).sum(-1).mean()),
            "flawed": float((chance * outcome[where] * wrong[where]).sum(-1).mean()) / max(success, 1e-9),
        }

    along = Along(stops, look)
    budget = Budget(steps=max(stops), batch_size=len(rows), seed=derive(seed, "practice"))
    improve(policy, FiniteScene(world, rewards), rows, method, budget, Decoding(world.depth), display=along)
    return along.curves
