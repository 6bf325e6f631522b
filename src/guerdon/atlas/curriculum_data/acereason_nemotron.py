"""AceReason-Nemotron: one gradient step on each batch of answers keeps the entropy up, and problems come in stages, easier ones first.

World: 20 problems of four kinds, on which a uniform policy has a chance of 1/4 to 1/1024 (``worlds.finite.ladder``), and a policy of tables that shares what
it learns between problems of a kind. A seed is another set of solutions.

Arms, each GRPO without a KL penalty, with eight answers to ten prompts a round and 48 rounds: one gradient step a round ("on-policy"); four, one after the
other on the same answers ("four steps"); and in three stages of 16 rounds, on levels up to 2, from 2 to 4, and from 3 on, one step a round ("staged"), as
there harder problems and longer answers come later.

Tuned: the learning rate, by accuracy after the last round. Measured by sums over all answers, also on the way: accuracy, and the entropy of answers in nats.
Entropy is compared at equal accuracy, since an arm that has learned less has kept more. 0.2 nats and 0.03 of accuracy are the smallest differences of
interest.

Source: arXiv 2505.16400, by its abstract and a summary of its method. Not here: that training on mathematics first raises what is solved of code, which takes
a model that knows both.
"""

from dataclasses import replace

from guerdon.atlas import AheadAlong, AllOf, BetterThan, System
from guerdon.atlas._text import Along
from guerdon.atlas.curriculum_data._ladder import GRPO, measured, start, world_of
from guerdon.sequences import Decoding
from guerdon.training.judging import FiniteScene
from guerdon.training.loops.improve import improve
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Budget

system = System(
    title="AceReason-Nemotron: Advancing Math and Code Reasoning through Reinforcement Learning",
    link="https://arxiv.org/abs/2505.16400",
    kind="study",
    builds_on=("grpo", "stages"),
    read="abstract",
    waits_for="problems of mathematics and of code with a model that solves some of both, for what the one teaches the other",
    note=(
        "Four steps on a batch do no harm here: at the same accuracy they keep more entropy than one, and end as accurate. "
        "Growing lengths are behind the whole length from the start, by 0.12."
    ),
)
recipe = {"on-policy": GRPO, "four steps": replace(GRPO, epochs=4), "staged": GRPO}
STAGES = {"staged": ((1, 2), (2, 4), (3, 5))}
STOPS, ROUNDS = (4, 8, 16, 24, 32, 48), 48
claim = AllOf(
    AheadAlong("on-policy", "four steps", on="entropy by round", along="accuracy by round", effect=0.2),
    BetterThan("on-policy", "four steps", on="accuracy", effect=0.03, matched="samples"),
    BetterThan("staged", "on-policy", on="accuracy", effect=0.03, matched="samples, updates"),
)
SEEDS = {"smoke": 1, "full": 16, "tune": 3}
GRID = {
    "on-policy": {"learning_rate": (0.1, 0.2, 0.4)},
    "four steps": {"learning_rate": (0.025, 0.05, 0.1)},
    "staged": {"learning_rate": (0.1, 0.2, 0.4)},
}
TUNED_BY = "accuracy"


def trial(arm: str, seed: int, scale: str, learning_rate: float) -> dict:
    world, rounds = world_of(seed), 6 if scale == "smoke" else ROUNDS
    policy, method, curves = start(world, seed), replace(recipe[arm], optimiser=AdamW(learning_rate)), {}
    stages = STAGES.get(arm, ((1, world.depth),))
    stops = (2, 4) if scale == "smoke" else STOPS
    for place, (low, high) in enumerate(stages):
        done = place * rounds // len(stages)
        along = Along([stop - done for stop in stops], lambda: measured(policy, world))
        rows = [row for row in world.train() if low <= row["level"] <= high]
        budget = Budget(rounds // len(stages), batch_size=min(10, len(rows)), seed=seed + place)
        improve(policy, FiniteScene(world), rows, method, budget, Decoding(world.depth), display=along)
        curves |= {done + step: seen for step, seen in along.seen.items() if place == 0 or step}
    by_round = {f"{name} by round": {step: seen[name] for step, seen in curves.items()} for name in ("accuracy", "entropy")}
    return measured(policy, world) | by_round
