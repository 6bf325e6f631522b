"""DPO-VP: a few rounds of DPO on right against wrong answers reach what RL reaches, and learn from fewer sequences.

World: sorting three letters of ten (``worlds.text.sort_letters``); the reward is 1 for an exact answer. A model of two layers is fitted to
60 solved problems ("sft"); every arm goes on from there. A seed is another set of problems.

"DPO-VP": six rounds of 128 problems with eight answers each, the pairs used three times in minibatches of a quarter. "one round" is its
state after the first. "GRPO": as many answers, 48 batches of 16 problems with eight answers, without a KL, two gradient steps on each.
Both are tuned: the learning rate, by the accuracy at the end; DPO's beta is 0.1, as in the authors' script.
"GRPO, as many learned from" is GRPO's state at the last evaluation before it has learned from more sequences than DPO-VP has in all.

Measured: greedy exact answers to 256 held-out problems; "learned from": thousands of sequences that went through a backward pass. DPO
counts both sides of each pair in each epoch, GRPO every answer of a group that was not all right or all wrong (others have no gradient and
are not computed).

"Comparable": no more than 0.05 below. "Less compute": fewer sequences learned from, at the same number sampled; and, since GRPO stopped early is cheap too, a higher
accuracy than GRPO's at as many learned from. The learning rates used to be tried on one seed, with four values.

Source: Tu et al. 2025, arXiv 2503.12854, on models of 7 B parameters and mathematics, of which a summary was read, and the script of its training (beta
0.1, one epoch of pairs in batches of 64). Three epochs are ours. Its iterative reward models are not repeated.
"""

from collections.abc import Mapping
from dataclasses import replace

from guerdon.atlas import AllOf, BetterThan, NoWorseThan, System
from guerdon.losses.surrogates.clip import Clip
from guerdon.models.language.small_language_model import SmallLanguageModel
from guerdon.recipes import dpo_vp, grpo, sft
from guerdon.sequences import Decoding
from guerdon.training.jobs import FitJob, ImproveJob
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Budget, Recipe, Term
from guerdon.training.schedules.linear import Linear
from guerdon.training.stages import Pipeline, Stage
from guerdon.worlds.text.demonstrations import Demonstrations
from guerdon.worlds.text.position_credit import PositionCredit
from guerdon.worlds.text.sort_letters import SortLetters

system = System(
    title="Enhancing LLM Reasoning with Iterative DPO: A Comprehensive Empirical Investigation",
    link="https://arxiv.org/abs/2503.12854",
    kind="study",
    builds_on=("dpo", "online-dpo", "verifier", "grpo", "reference-reset"),
    read="summary",
    note=(
        "It learns from half as many sequences as GRPO and ends 0.06 behind it, about where 0.05 was granted; GRPO stopped at "
        "as many is as good."
    ),
)
ROUNDS, PROBLEMS, BATCHES = 6, 128, 48
recipe: dict[str, Recipe] = {
    "DPO-VP": replace(dpo_vp.recipe, optimiser=AdamW(3e-4)),
    "GRPO": replace(grpo.recipe, terms=(Term(Clip(0.2)),), optimiser=AdamW(3e-4), minibatches=2),
}
GRID = {arm: {"learning_rate": (1e-4, 3e-4, 1e-3)} for arm in ("GRPO", "DPO-VP")}
TUNED_BY = "accuracy"
EARLY = "GRPO, as many learned from"
claim = AllOf(
    BetterThan("one round", "sft", on="accuracy", effect=0.02),
    BetterThan("DPO-VP", "one round", on="accuracy", effect=0.02),
    NoWorseThan("DPO-VP", "GRPO", on="accuracy", margin=0.05, matched="samples"),
    BetterThan("DPO-VP", "GRPO", on="learned from", lower_is_better=True, effect=0.1, matched="samples"),
    BetterThan("DPO-VP", EARLY, on="accuracy", effect=0.02, matched="sequences learned from"),
)
SEEDS = {"smoke": 1, "full": 12, "tune": 2}


def trial(arm: str, seed: int, scale: str, learning_rate: float) -> dict[str, float | dict[float, float]]:
    """The accuracy at the end and, as curves over the evaluations, the accuracies and what had been learned from by then."""
    method = replace(recipe[arm], optimiser=AdamW(learning_rate))
    history = pipeline(seed, scale, {arm: method}).run(seed)[arm].history
    learned, accuracies, spent = 0.0, {}, {}
    for row in history:
        if row["step"]:
            sides = (
                2 * method.epochs * row["pairs/asked"]
                if arm == "DPO-VP"
                else 8 * (1 - row["frac_reward_zero_std"]) * row["sampled_prompts"]
            )
            learned += sides / 1000
        if "eval/rewards/exact/mean" in row:
            accuracies[row["step"]], spent[row["step"]] = row["eval/rewards/exact/mean"], learned
    return {"accuracy": accuracies[max(accuracies)], "learned from": learned, "on the way": accuracies, "spent": spent}


def experiment(seed: int, scale: str, tuned: dict) -> dict:
    grpo, ours = (trial(arm, seed, scale, **tuned[arm]) for arm in ("GRPO", "DPO-VP"))
    on_the_way = ours["on the way"]
    early = max(step for step, learned in grpo["spent"].items() if learned <= ours["learned from"])
    return {
        "sft": {"accuracy": on_the_way[0]},
        "one round": {"accuracy": on_the_way[1]},
        "DPO-VP": {name: ours[name] for name in ("accuracy", "learned from")},
        "GRPO": {name: grpo[name] for name in ("accuracy", "learned from")},
        EARLY: {"accuracy": grpo["on the way"][early]},
    }


def pipeline(seed: int, scale: str, recipes: Mapping[str, Recipe]) -> Pipeline:
    """SFT, and both arms from there."""
    smoke, task = scale == "smoke", SortLetters(length=3, alphabet="abcdefghij", seed=seed)
    model = SmallLanguageModel(task.characters, layers=1 if smoke else 2, hidden=16 if smoke else 64, heads=4, context_length=16)
    shown = FitJob(
        replace(sft.recipe, optimiser=AdamW(Linear(5e-3, warmup=0.1))),
        Demonstrations(task, 60),
        Budget(steps=4 if smoke else 60, batch_size=64),
    )
    rows = 16 if smoke else 256
    budgets = {
        "DPO-VP": Budget(2 if smoke else ROUNDS, 8 if smoke else PROBLEMS, evaluate_every=1, evaluation_rows=rows),
        "GRPO": Budget(2 if smoke else BATCHES, 8 if smoke else 16, evaluate_every=1 if smoke else 4, evaluation_rows=rows),
    }
    reward = {"exact": PositionCredit(exact=1.0)}
    arms = [
        Stage(name, ImproveJob(method, task, rewards=reward, decoding=Decoding(5), budget=budgets[name]), start="sft")
        for name, method in recipes.items()
    ]
    return Pipeline(model, Stage("sft", shown), *arms)
