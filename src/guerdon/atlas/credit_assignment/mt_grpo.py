"""MT-GRPO: what a turn earned is credited to the turn, the outcome to all of the answer.

World: eight prompts and answers of two turns of three steps each over three actions. The first turn earns 0.5 if it says the right thing at its decisive step (the tool runs), the
whole earns 1 if three more decisive steps are right: one of the first turn, two of the second. So what the second turn says has no part in what the first one earned. Policies are
tables with logits from N(0, 1). A seed is another world and policy.

Arms, all with the same two rewards, 16 answers a prompt and the clip: "GRPO, sum" (group-centred sum of both), "GRPO, outcome" (the outcome alone) and MT-GRPO (in the first turn
the group-normalised outcome plus that of the turn, in the second the outcome's). Learning rates are tuned by the exact match after 15 steps of training.

Measured, exact, after 15 steps: "exact match" (chance that the outcome is earned) and "tool runs" (that the turn's is). The paper has besides a lower variance over seeds; "spread
of the gradient" is the norm of the standard deviation over that of the mean of the gradient at the start, over 60 batches.

The smallest differences of interest: 0.02 of a rate, and a tenth of the spread of "GRPO, sum" as it is seen while exploring, 0.1.

Source: Zeng et al. 2025, arXiv 2505.11821, of which the abstract was read, and its authors' code (github.com/SiliangZeng/Multi-Turn-RL-Agent, ``mt_grpo_env_trainer.py``, the
estimate "aae"). There a search tool answers between the turns.
"""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from guerdon.acting.samplers.group import Group
from guerdon.atlas import AllOf, BetterThan, System
from guerdon.atlas.credit_assignment._worlds import trained
from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.credit.advantages.turn_group import TurnGroup
from guerdon.credit.segments.every_n import EveryN
from guerdon.feedback.combining.weigh import Weigh
from guerdon.losses.surrogates.clip import Clip
from guerdon.models.finite.tree import PrefixTree
from guerdon.parts import call
from guerdon.randomness import derive, generator
from guerdon.sequences import Decoding, Sequences
from guerdon.training.judging import FiniteScene, Judged
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term
from guerdon.worlds.finite.enumerable import EnumerableWorld

system = System(
    title="Reinforcing Multi-Turn Reasoning in LLM Agents via Turn-Level Credit Assignment",
    link="https://arxiv.org/abs/2505.11821",
    kind="method",
    builds_on=("grpo", "turn-group", "turns"),
    read="code",
    note=(
        "What is credited to the turn is learned nearly always (tool runs 0.998), with the least spread of the gradient. That "
        "the outcome gains by it, over the sum of both rewards, cannot be told from 16 seeds; and who wants the outcome alone "
        "does best to reward it alone: 0.95 beside 0.69 after as many steps, each at its own best rate."
    ),
)
TURN, STEPS = 3, 15


@dataclass(frozen=True)
class TwoTurns(EnumerableWorld):
    contexts: int = 8
    seed: int = 0
    tree = PrefixTree(3, 2 * TURN)

    def earned(self) -> tuple[Tensor, Tensor]:
        """[C, S] each: what the first turn earns, and the whole."""
        rng = generator(self.seed, "two turns")
        first = torch.stack([torch.randperm(TURN, generator=rng)[:2] for _ in range(self.contexts)])
        second = TURN + torch.stack([torch.randperm(TURN, generator=rng)[:2] for _ in range(self.contexts)])
        right = torch.randint(0, 3, (self.contexts, 4), generator=rng)
        said = (self.tree.actions[:, torch.cat([first, second], -1)] == right).transpose(0, 1)  # [C, S, 4]
        return 0.5 * said[..., 0].double(), said[..., 1:].all(-1).double()

    def rewards(self) -> Tensor:
        return self.earned()[1]


class Scene(FiniteScene):
    """Judges both."""

    def judge(self, rollouts: Sequences, rows, seed: int) -> Judged:
        judged = super().judge(rollouts, rows, seed)
        return replace(judged, scored=replace(judged.scored, components=told(self.world, rollouts)))


def told(world: TwoTurns, rollouts: Sequences) -> dict[str, Tensor]:
    where = torch.cat(rollouts.contexts)[rollouts.context]
    turn, outcome = (table[where, world.tree.index(rollouts.actions, rollouts.length)] for table in world.earned())
    return {"turn": turn, "outcome": outcome}


_plain = Recipe((Term(Clip(0.2)),), AdamW(0.3), Group(16), advantage=GroupCentred())
recipe = {
    "GRPO, sum": _plain,
    "GRPO, outcome": replace(_plain, combine=Weigh({"turn": 0.0, "outcome": 1.0})),
    "MT-GRPO": replace(_plain, segments=EveryN(TURN), advantage=TurnGroup()),
}
claim = AllOf(
    *(BetterThan("MT-GRPO", other, on="exact match", effect=0.02, matched="samples, updates") for other in ("GRPO, sum", "GRPO, outcome")),
    BetterThan("MT-GRPO", "GRPO, sum", on="tool runs", effect=0.02, matched="samples, updates"),
    BetterThan("MT-GRPO", "GRPO, sum", on="spread of the gradient", effect=0.1, lower_is_better=True, matched="samples"),
)
SEEDS = {"smoke": 1, "full": 16, "tune": 3}
GRID = {arm: {"learning_rate": (0.1, 0.3, 1.0)} for arm in recipe}
TUNED_BY = "exact match"


def trial(arm: str, seed: int, scale: str, learning_rate: float) -> dict[str, float]:
    """One arm, trained."""
    small = scale == "smoke"
    world = TwoTurns(2 if small else 8, derive(seed, "world"))
    method = replace(recipe[arm], optimiser=AdamW(learning_rate))
    policy = trained(method, world, seed, (2 if small else STEPS,), scene=Scene(world))["policy"]
    turn, outcome = (float(policy.expect(table).detach().mean()) for table in world.earned())
    return {"exact match": outcome, "tool runs": 2 * turn, "spread of the gradient": spread(arm, world, seed, 3 if small else 60)}


def spread(arm: str, world: TwoTurns, seed: int, batches: int) -> float:
    """How far the gradient of one batch lies from the mean of all, over the length of that."""
    policy, found = world.policy(1.0, derive(seed, "policy")).build(), []
    contexts = [torch.tensor([c]) for c in range(world.contexts)]
    for k in range(batches):
        rollouts = Group(16)(policy, contexts, Decoding(world.tree.depth), derive(seed, "batches", k))
        components = told(world, rollouts)
        reward = call(recipe[arm].combine, {"components": components})
        known = {"reward": reward, "group": rollouts.context, "mask": rollouts.mask, "segment": EveryN(TURN)(rollouts.mask)}
        advantage = call(recipe[arm].advantage, known | {f"component_{name}": value for name, value in components.items()})
        logp = policy.measure(rollouts, {"logp"})["logp"]
        found.append(torch.autograd.grad((advantage * logp).mean(), policy.logits)[0].flatten())
    gradients = torch.stack(found)
    return float(gradients.var(0).sum().sqrt() / gradients.mean(0).norm())
