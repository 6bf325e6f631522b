"""SCoRe: to correct itself a policy learns first with its first answers held where they were, and is then paid for what the second answer
gains.

World: questions whose answers show, through noise, whether they are wrong once they are written (``_checking``). What was practised can be
learned by heart; to mind a bad sign, and then to take another answer, is the same for all questions, and all that helps those that are held
out. At the start the policy is inclined to keep its answer and minds bad signs a little.

Arms, two answers to each question; 16 practised questions, 8 conversations each, 40 updates:

* "two-turn RL": both answers are rewarded; its KL to the start has a weight;
* "second alone": what comes out in the end is rewarded, for the second answer alone, with the same KL;
* "SCoRe": 15 updates in which the second is rewarded and the first is held by a KL of its own, of a weight; then 25 in which both are
  rewarded and the second for ten times what it gained, with a KL of 0.01;
* "SFT": as many conversations, drawn at the start, of which those are imitated, in the second answer, whose first was wrong and whose
  second was right; "SFT, right kept" also those that were right twice.

Tuned by the accuracy of the second answer: for RL the learning rate and the weight of the KL, three by three; for SFT the rate, of nine.

Measured, exactly, on held-out questions: accuracy of the first answer and of the second, and their difference, "gain". "Collapse" is that
two-turn RL gains no more than the start. The smallest difference of interest: 0.02.

Source: Kumar et al. 2024, arXiv 2409.12917, its abstract and what implementations of others make of sections 4 and 5
(github.com/BY571/SCoRe): two stages, the KL of the first attempt alone in stage I, alpha 10. Chosen here:
world, sizes, how the updates are divided, effects; there Gemini on MATH and HumanEval.
"""

from dataclasses import replace
from functools import lru_cache

import torch

from guerdon.acting.samplers.group import Group
from guerdon.atlas import AllOf, BetterThan, EqualTo, System
from guerdon.atlas.verifiable_rewards._checking import Answering, Conversed, Questions, measured
from guerdon.credit.advantages.attempt_group import AttemptGroup
from guerdon.losses.imitation.negative_log_likelihood import NegativeLogLikelihood
from guerdon.recipes.self_correction import recipe as second_stage
from guerdon.recipes.self_correction_start import recipe as first_stage
from guerdon.sequences import Decoding, Example, Side
from guerdon.training.loops.fit import fit
from guerdon.training.loops.improve import improve
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Budget, Recipe, Term

system = System(
    title="Training Language Models to Self-Correct via Reinforcement Learning",
    link="https://arxiv.org/abs/2409.12917",
    kind="method",
    builds_on=("reinforce", "attempts", "attempt-group", "in-attempt", "kl"),
    read="summary",
    note=(
        "SCoRe comes to correct itself (0.13), and so does plain RL over two turns (0.12), which in the paper collapses to "
        "leaving answers alone; this world does not show that collapse, and so cannot show what SCoRe's first stage is for. "
        "Against imitation of corrections SCoRe gains 0.03."
    ),
)
EACH, STEPS, FIRST_STAGE = 8, 40, 15
recipe = {
    "two-turn RL": replace(second_stage, advantage=AttemptGroup()),
    "second alone": replace(second_stage, advantage=AttemptGroup(earlier=0.0)),
    "SCoRe, stage I": first_stage,
    "SCoRe": second_stage,
    "SFT": Recipe((Term(NegativeLogLikelihood()),)),
}
_RATES, _NINE = (0.1, 0.3, 0.9), {"learning_rate": (0.01, 0.02, 0.03, 0.06, 0.1, 0.2, 0.3, 0.6, 1.0)}
_RL = {"learning_rate": _RATES, "weight": (0.001, 0.01, 0.1)}
GRID = {
    "two-turn RL": _RL,
    "second alone": _RL,
    "SFT": _NINE,
    "SFT, right kept": _NINE,
    "SCoRe": {"learning_rate": _RATES, "weight": (0.1, 1.0, 10.0)},
}
TUNED_BY = "second"
claim = AllOf(
    BetterThan("SCoRe", "start", on="gain", effect=0.02),
    *(
        BetterThan("SCoRe", other, on=measure, effect=0.02, matched="samples, updates")
        for other in ("two-turn RL", "SFT", "SFT, right kept")
        for measure in ("gain", "second")
    ),
    EqualTo("two-turn RL", "start", on="gain", tolerance=0.02),
)
SEEDS = {"smoke": 1, "full": 16, "tune": 2}


@lru_cache(maxsize=4)
def start(seed: int) -> tuple[Questions, Answering]:
    world = Questions(seed=seed)
    return world, Answering(world)


def practised(policy: Answering, world: Questions, method: Recipe, steps: int, seed: int, against: Answering) -> None:
    budget = Budget(steps, len(world.practised), seed=seed)
    improve(policy, Conversed(world), world.practised, method, budget, Decoding(2), learners={"ref": against.reference()})


def trial(arm: str, seed: int, scale: str, learning_rate: float, weight: float = 0.0) -> dict[str, float]:
    world, base = start(seed)
    policy, small = base.copy(), scale == "smoke"
    if arm.startswith("SFT"):
        imitated(policy, world, arm == "SFT, right kept", learning_rate, 2 if small else STEPS, seed)
        return measured(policy, world)
    rounds = {"SCoRe": (("SCoRe, stage I", 1 if small else FIRST_STAGE), ("SCoRe", 1 if small else STEPS - FIRST_STAGE))}
    for stage, steps in rounds.get(arm, ((arm, 2 if small else STEPS),)):
        method = replace(recipe[stage], optimiser=AdamW(learning_rate))
        if stage != "SCoRe":
            method = replace(method, terms=(method.terms[0], replace(method.terms[1], weight=weight)))
        practised(policy, world, method, steps, seed, base)
    return measured(policy, world)


def imitated(policy: Answering, world: Questions, kept: bool, learning_rate: float, steps: int, seed: int) -> None:
    """SFT on as many conversations as RL draws, of which those are kept that end well."""
    contexts = [torch.tensor([row["prompt"]]) for row in world.practised]
    drawn = Group(EACH * steps)(policy, contexts, Decoding(2), seed)
    first, second = (1.0 - world.wrong[drawn.context, drawn.actions[:, k]] for k in (0, 1))
    good = ((second == 1) & (kept | (first == 0))).nonzero().flatten().tolist()
    rows = [Example({"": Side((int(drawn.context[i]),), tuple(drawn.actions[i].tolist()), (False, True))}) for i in good]
    method = replace(recipe["SFT"], optimiser=AdamW(learning_rate))
    fit(policy, rows, method, Budget(steps, EACH * len(contexts), seed=seed))


def experiment(seed: int, scale: str, tuned: dict) -> dict:
    world, base = start(seed)
    return {"start": measured(base, world)} | {arm: trial(arm, seed, scale, **setting) for arm, setting in tuned.items()}
