"""GHPO: a part of the solution is given where no answer solves a prompt, and only there.

World: 20 problems of four kinds, on which a uniform policy has a chance of 1/4 to 1/1024 (``worlds.finite.ladder``), and a policy of tables that shares what
it learns between problems of a kind. A seed is another set of solutions.

Arms, each with eight answers to ten prompts a round and 40 rounds: GRPO; GRPO by levels, from easy to hard, as somebody who knows them would set it
("curriculum"); up to half of the solution given to every prompt, how much drawn anew each time ("hint for all"); GHPO, a quarter, a half or three quarters
after one, two or three failures in a row.

Tuned: the learning rate, by accuracy after the last round, without hints. Measured: accuracy by sums over all answers, and the share of groups whose answers
were all alike, mean over rounds. That arms which are shown parts of solutions are ahead of one that is not is by construction; "hint for all" is shown more
than GHPO. 0.03 is the smallest difference of interest.

Source: arXiv 2507.10628, by its abstract and a summary of its method. Chosen here: world, sizes, and that a hint is given when the prompt comes again; there
the group is drawn anew at once.
"""

from dataclasses import replace

from guerdon.acting.samplers.from_prefix import FromPrefix
from guerdon.atlas import AllOf, BetterThan, System
from guerdon.atlas.curriculum_data._ladder import GRPO, measured, practised, start, world_of
from guerdon.data.selection.easy_to_hard import EasyToHard
from guerdon.data.starts.hint_after_failure import HintAfterFailure
from guerdon.training.optimiser import AdamW

system = System(
    title="GHPO: Adaptive Guidance for Stable and Efficient LLM Reinforcement Learning",
    link="https://arxiv.org/abs/2507.10628",
    kind="method",
    builds_on=("grpo", "from-prefix", "hint-after-failure"),
    read="abstract",
    note=(
        "With tuned rates nobody is ahead by what 16 seeds can show, and hints for those who fail leave more silent groups than "
        "none, 0.14 more: in the end its answers are the most alike of all (an entropy of 0.29, where GRPO has 0.96), so that "
        "prompts are solved always or never."
    ),
)
HINTED = FromPrefix(8, column="solution", least=0.0, most=0.5)
recipe = {
    "grpo": GRPO,
    "curriculum": replace(GRPO, weighing=EasyToHard(power=1.0, width=1.0)),
    "hint for all": replace(GRPO, sampler=HINTED),
    "ghpo": replace(GRPO, sampler=HINTED, starts=HintAfterFailure()),
}
claim = AllOf(
    BetterThan("ghpo", "grpo", on="accuracy", effect=0.03, matched="samples, updates", by_construction=True),
    BetterThan("ghpo", "curriculum", on="accuracy", effect=0.03, matched="samples, updates"),
    BetterThan("ghpo", "hint for all", on="accuracy", effect=0.03, matched="samples, updates"),
    BetterThan("ghpo", "grpo", on="silent groups", lower_is_better=True, effect=0.03, matched="samples, updates"),
)
SEEDS = {"smoke": 1, "full": 16, "tune": 3}
GRID = {arm: {"learning_rate": (0.1, 0.2, 0.4)} for arm in recipe}
TUNED_BY = "accuracy"


def trial(arm: str, seed: int, scale: str, learning_rate: float) -> dict[str, float]:
    world = world_of(seed)
    policy = start(world, seed)
    history = practised(policy, world, replace(recipe[arm], optimiser=AdamW(learning_rate)), 2 if scale == "smoke" else 40, seed)
    silent = sum(row["frac_reward_zero_std"] for row in history) / len(history)
    return measured(policy, world) | {"silent groups": silent}
