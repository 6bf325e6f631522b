"""eva: the prompts that tell the policy most are changed into new ones, and it learns from what has grown out of them.

World: 40 problems of eight kinds, on which a uniform policy has a chance of 1/4 to 1/1024 (``worlds.finite.ladder``), and a policy of tables that shares what
it learns between problems of a kind. At first only the eight easiest are known. A problem is changed into the next harder one of its kind; of the first four
kinds only; changing one of the others gives nothing, as changing a prompt may. A seed is another set of solutions.

Arms, each with six rounds of eight steps of 8 prompts x 8 answers (leave-one-out advantages): the known prompts as they are ("fixed"); after each round four
of them, at random, changed into new ones that are added ("uniform"); four by their reward gap, the best less the worst of the last eight answers, and prompts
practised by the gap too ("eva"); and prompts practised by the gap, changed at random ("gap, uniform").

Tuned: the learning rate, by accuracy after the last round. Measured by sums over all answers: accuracy on all 40 problems. 0.03 is the smallest difference of
interest. That evolving is ahead of a fixed set is by construction, for the fixed set lacks what is measured; whether the gap chooses better than chance is
what can fail.

Source: arXiv 2411.00062, by its abstract and a summary of its method: informativeness, the creator's and the solver's turns. Chosen here: the world, in which
a verifier stands for the reward model and a table for the model that rewrites prompts.
"""

from dataclasses import replace
from typing import Any

import torch

from guerdon.acting.samplers.group import Group
from guerdon.atlas import AllOf, BetterThan, System
from guerdon.atlas.curriculum_data._ladder import GRPO, measured, practised, start
from guerdon.credit.advantages.leave_one_out import LeaveOneOut
from guerdon.data.selection.reward_gap import RewardGap
from guerdon.randomness import derive, generator
from guerdon.sequences import Decoding
from guerdon.training.optimiser import AdamW
from guerdon.worlds.finite.ladder import Ladder

system = System(
    title="Scalable Reinforcement Post-Training Beyond Static Human Prompts: Evolving Alignment via Asymmetric Self-Play",
    link="https://arxiv.org/abs/2411.00062",
    kind="method",
    builds_on=("rloo", "reward-gap"),
    read="abstract",
    note=(
        "New prompts are worth something, by construction; which of them are made more of, as EVA chooses, adds nothing to "
        "choosing by lot (0.002, give or take 0.03)."
    ),
)
KINDS, FERTILE, CHANGED, ROUNDS = 8, 4, 4, 6
SOLVER = replace(GRPO, advantage=LeaveOneOut())
recipe = {
    "fixed": SOLVER,
    "uniform": SOLVER,
    "gap, uniform": replace(SOLVER, weighing=RewardGap()),
    "eva": replace(SOLVER, weighing=RewardGap()),
}
claim = AllOf(
    BetterThan("uniform", "fixed", on="accuracy", effect=0.03, matched="samples, updates", by_construction=True),
    BetterThan("eva", "uniform", on="accuracy", effect=0.03, matched="samples, updates"),
    BetterThan("eva", "gap, uniform", on="accuracy", effect=0.03, matched="samples, updates"),
)
SEEDS = {"smoke": 1, "full": 16, "tune": 3}
GRID = {arm: {"learning_rate": (0.1, 0.2, 0.4)} for arm in recipe}
TUNED_BY = "accuracy"


def trial(arm: str, seed: int, scale: str, learning_rate: float) -> dict[str, float]:
    world = Ladder(contexts=5 * KINDS, kinds=KINDS, seed=derive(seed, "ladder"))
    policy, method, rounds = start(world, seed), replace(recipe[arm], optimiser=AdamW(learning_rate)), 2 if scale == "smoke" else ROUNDS
    rows = world.train()[:KINDS]
    for turn in range(rounds):
        practised(policy, world, method, 1 if scale == "smoke" else 8, derive(seed, turn), prompts=8, rows=rows)
        if arm != "fixed":
            rows = rows + created(arm, policy, world, rows, derive(seed, "creator", turn))
    return {"accuracy": measured(policy, world)["accuracy"]}


def created(arm: str, policy: Any, world: Ladder, rows: list[Any], seed: int) -> list[Any]:
    """New prompts, out of four parents that are drawn alike or by their gap."""
    weight = torch.ones(len(rows), dtype=torch.float64)
    if arm == "eva":
        drawn = Group(8)(policy, [torch.tensor([row["prompt"]]) for row in rows], Decoding(world.depth), seed)
        weight, _ = RewardGap()(world.reward_of(drawn), drawn.context, len(rows), {})
    parents = torch.multinomial(weight, CHANGED, replacement=True, generator=generator(seed, "parents")).tolist()
    children = [
        rows[i]["prompt"] + KINDS for i in parents if rows[i]["prompt"] % KINDS < FERTILE and rows[i]["prompt"] + KINDS < world.contexts
    ]
    return [world.train()[x] for x in children]
