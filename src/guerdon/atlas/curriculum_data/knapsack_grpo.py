"""Knapsack RL: of a round's answers each prompt gets as many as they are worth there, and not all the same number.

World: 20 problems of four kinds, on which a uniform policy has a chance of 1/4 to 1/1024 (``worlds.finite.ladder``), and a policy of tables that shares what
it learns between problems of a kind. A seed is another set of solutions.

Arms: GRPO with eight answers to each of ten prompts; the same 80 answers dealt out by the knapsack, from two to 40 to a prompt, by what is known of its
success so far; the same by difficulty rank ("by difficulty", E3's rule), a simpler way to give hard prompts more. One step of AdamW a round, 40 rounds.

Tuned: the learning rate, and of the knapsack also the floor below which the rate of a prompt that was never solved does not fall, by accuracy after the last
round. Measured: the share of prompts whose answers were not all alike, mean over rounds, of which the paper says it grows by 20 to 40 %, and accuracy by sums
over all answers. 0.03 of either is the smallest difference of interest.

Source: arXiv 2509.25849, its abstract and a summary of its method: the value of n answers and the bounds. Chosen here: world, sizes, ``most`` 40, that
success counts the last attempt twice as much as the one before (decay 0.5), and the floor below which a prompt that was never solved does not fall.
"""

from dataclasses import replace

from guerdon.atlas import AllOf, BetterThan, System
from guerdon.atlas.curriculum_data._ladder import GRPO, measured, practised, start, world_of
from guerdon.data.allocation.by_difficulty import ByDifficulty
from guerdon.data.allocation.knapsack import Knapsack
from guerdon.training.optimiser import AdamW

system = System(
    title="Knapsack RL: Unlocking Exploration of LLMs via Optimizing Budget Allocation",
    link="https://arxiv.org/abs/2509.25849",
    kind="method",
    builds_on=("grpo", "knapsack"),
    read="abstract",
    note=(
        "Accuracy is higher by 0.11 for the same answers, while fewer prompts have a signal, not more: the budget goes to few "
        "hard ones, which is where it is worth something. Whether it is ahead of giving hard prompts more by a simpler rule "
        "cannot be told from 16 seeds."
    ),
)
recipe = {
    "uniform": GRPO,
    "by difficulty": replace(GRPO, allocation=ByDifficulty(least=2, most=40, decay=0.5)),
    "knapsack": replace(GRPO, allocation=Knapsack(most=40, decay=0.5)),
}
claim = AllOf(
    BetterThan("knapsack", "uniform", on="share of prompts with a signal", effect=0.03, matched="samples, updates"),
    BetterThan("knapsack", "uniform", on="accuracy", effect=0.03, matched="samples, updates"),
    BetterThan("knapsack", "by difficulty", on="accuracy", effect=0.03, matched="samples, updates"),
)
SEEDS = {"smoke": 1, "full": 16, "tune": 3}
GRID = {
    "uniform": {"learning_rate": (0.05, 0.1, 0.2, 0.4, 0.8, 1.6)},
    "by difficulty": {"learning_rate": (0.05, 0.1, 0.2, 0.4, 0.8, 1.6)},
    "knapsack": {"learning_rate": (0.2, 0.4), "floor": (0.05, 0.1, 0.2)},
}
TUNED_BY = "accuracy"


def trial(arm: str, seed: int, scale: str, learning_rate: float, floor: float = 0.1) -> dict[str, float]:
    world = world_of(seed)
    policy = start(world, seed)
    method = replace(recipe[arm], optimiser=AdamW(learning_rate))
    if arm == "knapsack":
        method = replace(method, allocation=replace(method.allocation, floor=floor))
    history = practised(policy, world, method, 2 if scale == "smoke" else 40, seed)
    found = measured(policy, world)
    signal = sum(1 - row["frac_reward_zero_std"] for row in history) / len(history)
    return {"accuracy": found["accuracy"], "accuracy, hardest": found["accuracy, hardest"], "share of prompts with a signal": signal}
