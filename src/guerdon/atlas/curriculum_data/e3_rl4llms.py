"""E3-RL4LLMs: more answers to hard prompts, and a temperature that keeps the entropy where it was.

World: 20 problems of four kinds, on which a uniform policy has a chance of 1/4 to 1/1024 (``worlds.finite.ladder``), and a policy of tables that shares what
it learns between problems of a kind. A seed is another set of solutions.

Arms: GRPO with eight answers to each of ten prompts; the same 80 answers dealt out by difficulty rank, from four to twelve ("budget"); GRPO whose temperature
follows the entropy of what it draws ("temperature"); both ("e3"). One step of AdamW a round, 40 rounds.

Tuned: the learning rate, by accuracy after the last round. Measured, by sums over all answers at temperature 1: accuracy, the chance that one of 16 answers
is right, and the entropy of answers in nats. 0.03, 0.03 and 0.2 are the smallest differences of interest.

Source: arXiv 2505.18573 by its abstract, and its code (``get_rollout_n_per_prompt``, ``TemperatureScheduler``), to which the parts are held; its annealing of
the target entropy and its reward for length are left out. Chosen here: the world.
"""

from dataclasses import replace

from guerdon.atlas import AllOf, BetterThan, System
from guerdon.atlas.curriculum_data._ladder import GRPO, measured, practised, start, world_of
from guerdon.data.allocation.by_difficulty import ByDifficulty
from guerdon.training.controllers.entropy_temperature import EntropyTemperature
from guerdon.training.optimiser import AdamW

system = System(
    title="Enhancing Efficiency and Exploration in Reinforcement Learning for LLMs",
    link="https://arxiv.org/abs/2505.18573",
    kind="method",
    builds_on=("grpo", "by-difficulty", "entropy-temperature"),
    read="code",
    note=(
        "Accuracy and pass@16 gain by 0.12 and 0.16, nearly all of it by the budget that goes to hard prompts; what the "
        "temperature does to the entropy stays open."
    ),
)
BUDGET, TEMPERATURE = ByDifficulty(), EntropyTemperature(vocabulary=4)
recipe = {
    "grpo": GRPO,
    "budget": replace(GRPO, allocation=BUDGET),
    "temperature": replace(GRPO, temperature=TEMPERATURE),
    "e3": replace(GRPO, allocation=BUDGET, temperature=TEMPERATURE),
}
claim = AllOf(
    BetterThan("e3", "grpo", on="accuracy", effect=0.03, matched="samples, updates"),
    BetterThan("e3", "grpo", on="pass@16", effect=0.03, matched="samples, updates"),
    BetterThan("e3", "grpo", on="entropy", effect=0.2, matched="samples, updates"),
    BetterThan("budget", "grpo", on="accuracy", effect=0.03, matched="samples, updates"),
    BetterThan("temperature", "grpo", on="entropy", effect=0.2, matched="samples, updates"),
)
SEEDS = {"smoke": 1, "full": 16, "tune": 3}
GRID = {arm: {"learning_rate": (0.1, 0.2, 0.4)} for arm in recipe}
TUNED_BY = "accuracy"


def trial(arm: str, seed: int, scale: str, learning_rate: float) -> dict[str, float]:
    world = world_of(seed)
    policy = start(world, seed)
    practised(policy, world, replace(recipe[arm], optimiser=AdamW(learning_rate)), 2 if scale == "smoke" else 40, seed)
    return measured(policy, world)
