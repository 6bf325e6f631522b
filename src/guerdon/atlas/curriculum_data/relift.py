"""ReLIFT: what no answer solves is shown, in steps of fine-tuning between those of GRPO.

World: 20 problems of four kinds, on which a uniform policy has a chance of 1/4 to 1/1024 (``worlds.finite.ladder``), and a policy of tables that shares what
it learns between problems of a kind. A seed is another set of solutions. A demonstration is a whole solution.

Arms: GRPO with eight answers to each of ten prompts, 30 rounds; ReLIFT, the same with a step on five demonstrations whenever five prompts have failed;
fine-tuning first and then GRPO, on as many demonstrations as ReLIFT took, of problems at random ("sft then grpo"), and fine-tuning on them alone ("sft"). All
demonstrations are shown in steps of five.

Tuned: the learning rate, by accuracy after the last step. Measured by sums over all answers: accuracy, also over the hardest problems. That ReLIFT is ahead
of GRPO is by construction, since it is shown what GRPO has to find; what can fail is that it is ahead of those that are shown as much. 0.03 is the smallest
difference of interest.

Source: arXiv 2506.07527, its abstract and a summary of its method. Chosen here: world and sizes; there a stronger model solves the failed prompts on demand.
"""

from dataclasses import replace
from functools import lru_cache

import torch

from guerdon.atlas import AllOf, BetterThan, System
from guerdon.atlas.curriculum_data._ladder import GRPO, measured, practised, start, world_of
from guerdon.data.lessons.failed_prompts import FailedPrompts
from guerdon.losses.imitation.negative_log_likelihood import NegativeLogLikelihood
from guerdon.models.finite.policy import TablePolicy
from guerdon.randomness import generator
from guerdon.sequences import Example, Side
from guerdon.training.loops.fit import fit
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Budget, Recipe, Term
from guerdon.worlds.finite.ladder import Ladder

system = System(
    title="Learning What Reinforcement Learning Can't: Interleaved Online Fine-Tuning for Hardest Questions",
    link="https://arxiv.org/abs/2506.07527",
    kind="method",
    builds_on=("grpo", "sft", "failed-prompts"),
    read="abstract",
    note=(
        "With a rate of its own, fine-tuning on the demonstrations reaches what ReLIFT does, and so does fine-tuning with GRPO "
        "after it (0.003 more, 0.009 on the hardest). That it is far ahead of GRPO alone is by construction: it is shown "
        "solutions."
    ),
)
ROUNDS, LESSON = 30, 5
SFT = Recipe((Term(NegativeLogLikelihood()),), AdamW(0.1))
recipe = {
    "grpo": GRPO,
    "sft": SFT,
    "sft then grpo": GRPO,
    "relift": replace(GRPO, terms=(*GRPO.terms, Term(NegativeLogLikelihood(), data="lessons")), lessons=FailedPrompts(rows=LESSON)),
}
claim = AllOf(
    BetterThan("relift", "grpo", on="accuracy", effect=0.03, matched="samples", by_construction=True),
    BetterThan("relift", "sft", on="accuracy", effect=0.03, matched="demonstrations"),
    BetterThan("relift", "sft then grpo", on="accuracy", effect=0.03, matched="samples, demonstrations"),
    BetterThan("relift", "sft then grpo", on="accuracy, hardest", effect=0.03, matched="samples, demonstrations"),
)
SEEDS = {"smoke": 1, "full": 16, "tune": 3}
GRID = {arm: {"learning_rate": (0.05, 0.1, 0.2)} for arm in recipe}
TUNED_BY = "accuracy"


def trial(arm: str, seed: int, scale: str, learning_rate: float) -> dict[str, float]:
    world, rounds = world_of(seed), 4 if scale == "smoke" else ROUNDS
    policy = start(world, seed)
    if arm.startswith("sft"):
        shown(policy, world, lessons(seed, rounds), learning_rate, seed)
    taken = 0.0
    if arm != "sft":
        history = practised(policy, world, replace(recipe[arm], optimiser=AdamW(learning_rate)), rounds, seed)
        taken = sum(row.get("lessons", 0.0) for row in history)
    return measured(policy, world) | {"demonstrations": taken}


@lru_cache(maxsize=8)
def lessons(seed: int, rounds: int) -> int:
    """How many steps on demonstrations ReLIFT makes, at a learning rate of 0.1."""
    world = world_of(seed)
    history = practised(start(world, seed), world, recipe["relift"], rounds, seed)
    return round(sum(row["lessons"] for row in history) / LESSON)


def shown(policy: TablePolicy, world: Ladder, steps: int, learning_rate: float, seed: int) -> None:
    """So many steps on demonstrations of problems at random."""
    if not steps:
        return
    which = torch.randint(world.contexts, (steps * LESSON,), generator=generator(seed, "demonstrations")).tolist()
    examples = [Example({"": Side((x,), tuple(world.code[x].tolist()), (True,) * world.depth)}) for x in which]
    fit(policy, examples, replace(SFT, optimiser=AdamW(learning_rate)), Budget(steps, batch_size=LESSON, seed=seed))
