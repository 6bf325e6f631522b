"""ESRL: fewer answers to prompts that the policy can do, at no loss of reward.

World: 20 problems of four kinds, on which a uniform policy has a chance of 1/4 to 1/1024 (``worlds.finite.ladder``), and a policy of tables that shares what it
learns between problems of a kind. A seed is another set of solutions. In every step each of ten prompts gets at most eight answers, 40 steps of REINFORCE against
the mean of the last 1,024 rewards.

Arms, alike but for how many answers are drawn: "fixed", eight to every prompt; ESRL, from eight where a prompt was never solved down to two where it always is; "fewer", as many to
every prompt in a step as makes about ESRL's total, five.

Tuned: the learning rate, by success after the last step. Measured, by sums over all answers, before training and after each eighth step: "success", and
"answers", the thousands that were drawn until then. What is claimed is that nothing is lost to "fixed" at equal updates, and that more is reached with equal answers
than by it and by "fewer". 0.02 of success is the smallest difference of interest.

Source: arXiv 2308.02223: abstract, and the authors' code for language models (``examples/esrl``). There translation and summaries, and time and memory of a card. What is
drawn without gradients and measured in one pass afterwards, its other half, is how this library draws at all; how temperature follows the capability could not be
looked up and is not tried. Chosen here: the world, success of the last attempts as what is known of the capability.
"""

from dataclasses import replace

from guerdon.acting.samplers.group import Group
from guerdon.atlas import AheadAlong, AllOf, NoWorseThan, System
from guerdon.atlas._text import Along
from guerdon.atlas.curriculum_data._ladder import start, world_of
from guerdon.recipes.esrl import recipe as esrl
from guerdon.sequences import Decoding
from guerdon.training.judging import FiniteScene
from guerdon.training.loops.improve import improve
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Budget

system = System(
    title="ESRL: Efficient Sampling-based Reinforcement Learning for Sequence Generation",
    link="https://arxiv.org/abs/2308.02223",
    kind="method",
    builds_on=("reinforce", "by-capability", "queue-baseline"),
    read="abstract",
    note=(
        "ESRL spends a third fewer answers than the fixed number for the same success. A smaller fixed number at a higher rate "
        "spends fewer still: at equal answers it is 0.10 ahead of ESRL. The saving is one of answers a prompt, not of which "
        "prompt gets them."
    ),
)
PROMPTS, ANSWERS, FEWER, STOPS = 10, 8, 5, (8, 16, 24, 32, 40)
recipe = {
    "fixed": replace(esrl, allocation=None, sampler=Group(ANSWERS)),
    "fewer": replace(esrl, allocation=None, sampler=Group(FEWER)),
    "ESRL": replace(esrl, sampler=Group(ANSWERS)),
}
claim = AllOf(
    NoWorseThan("ESRL", "fixed", on="success", at="last", margin=0.02, matched="updates"),
    AheadAlong("ESRL", "fixed", on="success", along="answers", effect=0.02),
    AheadAlong("ESRL", "fewer", on="success", along="answers", effect=0.02),
)
SEEDS = {"smoke": 1, "full": 16, "tune": 3}
GRID = {arm: {"learning_rate": (0.05, 0.1, 0.2, 0.4)} for arm in recipe}
TUNED_BY = "success at the end"


def trial(arm: str, seed: int, scale: str, learning_rate: float) -> dict:
    world, stops = world_of(seed), (1, 2) if scale == "smoke" else STOPS
    policy, method, right = start(world, seed), replace(recipe[arm], optimiser=AdamW(learning_rate)), world.rewards()
    along = Along(stops, lambda: {"success": float(policy.expect(right).mean().detach())})
    budget = Budget(stops[-1], batch_size=PROMPTS, seed=seed)
    history = improve(policy, FiniteScene(world), world.train(), method, budget, Decoding(world.depth), display=along).history
    drawn, success = [0.0], along.curves["success"]
    for row in history[1:]:
        drawn.append(drawn[-1] + row["num_tokens"] / (1 + world.depth) / 1000)  # a prompt is one token
    return {"success": success, "answers": {step: drawn[step] for step in success}, "success at the end": success[stops[-1]]}
