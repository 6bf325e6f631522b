"""R3: answers begin from points along a demonstration, from near its end back to its beginning, so that an outcome says something of every step.

World: four problems, the hardest of four kinds: five actions out of four each have to be right, and a uniform policy has a chance of 1/1024
(``worlds.finite.ladder``). A policy of tables; a seed is another set of solutions.

All arms begin from two steps of fine-tuning on the four demonstrations, as the paper's do. Then, each with 16 answers to each of the four prompts a round and
30 rounds: GRPO from the beginning ("rl"); stages, whose starts slide from near the end to the beginning ("staged"); all stages mixed from the first round on
("r3", the paper's better form).

Tuned: the learning rate, by the success after the last round. Measured: the success from the beginning, by sums over all answers. 0.05 is the smallest
difference of interest.

Source: arXiv 2402.05808, by its abstract and a summary of its method. Chosen here: world and sizes, GRPO in the place of PPO, and no reward for parts of a
solution.
"""

from dataclasses import replace

from guerdon.acting.samplers.from_prefix import FromPrefix
from guerdon.acting.samplers.group import Group
from guerdon.atlas import AllOf, BetterThan, System
from guerdon.atlas.curriculum_data._ladder import GRPO, practised, start, world_of
from guerdon.losses.imitation.negative_log_likelihood import NegativeLogLikelihood
from guerdon.sequences import Example, Side
from guerdon.training.loops.fit import fit
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Budget, Recipe, Term
from guerdon.training.schedules.linear import Linear

system = System(
    title="Training Large Language Models for Reasoning through Reverse Curriculum Reinforcement Learning",
    link="https://arxiv.org/abs/2402.05808",
    kind="method",
    builds_on=("grpo", "from-prefix"),
    read="abstract",
    note=(
        "Beginnings out of demonstrations are what makes rare rewards reachable, half of the success rate; that they are mixed "
        "rather than staged one after the other adds nothing that 12 seeds can show."
    ),
)
ROUNDS, SHOWN = 30, 2
plain = replace(GRPO, sampler=Group(16))
recipe = {
    "rl": plain,
    "staged": replace(plain, sampler=FromPrefix(16, column="solution", least=Linear(0.8), most=Linear(0.8))),
    "r3": replace(plain, sampler=FromPrefix(16, column="solution", least=0.0, most=0.8)),
}
claim = AllOf(
    BetterThan("r3", "rl", on="success", effect=0.05, matched="samples, updates, demonstrations"),
    BetterThan("r3", "staged", on="success", effect=0.05, matched="samples, updates, demonstrations"),
)
SEEDS = {"smoke": 1, "full": 12, "tune": 3}
GRID = {arm: {"learning_rate": (0.03, 0.1, 0.3)} for arm in recipe}
TUNED_BY = "success"


def trial(arm: str, seed: int, scale: str, learning_rate: float) -> dict[str, float]:
    world, rounds = world_of(seed), 3 if scale == "smoke" else ROUNDS
    rows = [row for row in world.train() if row["level"] == world.depth]
    policy, method = start(world, seed), replace(recipe[arm], optimiser=AdamW(learning_rate))
    examples = [Example({"": Side((row["prompt"],), tuple(row["solution"]), (True,) * world.depth)}) for row in rows]
    fit(policy, examples, Recipe((Term(NegativeLogLikelihood()),), AdamW(0.1)), Budget(SHOWN, batch_size=len(rows), seed=seed))
    practised(policy, world, method, rounds, seed, rows=rows)
    rate = policy.expect(world.rewards()).detach()
    return {"success": float(rate[world.level == world.depth].mean())}
