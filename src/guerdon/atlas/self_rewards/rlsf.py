"""RLSF: the traces of a frozen model are ranked by how far its answer's first choice is ahead of the second, and the ranking is learned by DPO.

World: 32 questions answered by a reasoning and a conclusion, a policy that is a table and sure of some right and of some wrong conclusions
(``_knowing.Knowing``). Each question is answered 8 times by the policy at the start, once; all pairs of unequal answers to a question are compared
and learned from for 40 steps of DPO (beta 0.1). A seed is another world and policy.

Arms: "RLSF" (the probability gap at the conclusion), "votes" (the same pairs by how many of the question's answers come to the same conclusion, the
baseline: a self-made ranking of the same kind) and "start". Learning rates are tuned alike, by the accuracy at the end.

Measured, exact: "accuracy" (how likely the right conclusion is), "sure", and "ECE": over ten bins of all questions and conclusions, between how
likely a conclusion is and whether it is right. The paper claims that it falls while accuracy rises, where the confidence at the start is informative;
here it is, by half a logit.

Source: van Niekerk et al. 2025, arXiv 2507.21931: the gap over the answer's span, and pairs for DPO. There the traces branch at their
first token (CoT decoding), models have 3 to 8 B, and a reward model with PPO is the other way to learn. Chosen here: the world, 8 sampled traces, 40
steps. The smallest differences of interest: 0.03 of accuracy, 0.03 of ECE.
"""

from dataclasses import replace

from torch.nn.functional import one_hot

from guerdon.acting.samplers.group import Group
from guerdon.atlas import AllOf, BetterThan, NoWorseThan, System
from guerdon.atlas.self_rewards._knowing import Knowing, conclusions, measured, numbers, trained
from guerdon.data.pairing.all_pairs import AllPairs
from guerdon.evaluation.metrics.calibration_error import CalibrationError
from guerdon.feedback.combining.only import Only
from guerdon.feedback.intrinsic.probability_gap import ProbabilityGap
from guerdon.feedback.rewards.answer_frequency import AnswerFrequency
from guerdon.losses.comparisons.logistic import Logistic
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.scores.log_ratio import LogRatio
from guerdon.models.finite.policy import TablePolicy
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term

system = System(
    title="Post-Training Large Language Models via Reinforcement Learning from Self-Feedback",
    link="https://arxiv.org/abs/2507.21931",
    kind="method",
    builds_on=("dpo", "probability-gap", "calibration-error"),
    read="abstract",
    note=(
        "The policy becomes more often right, and by 0.05 more than by votes; but it also becomes surer than it is right, its "
        "calibration error grows from 0.08 to 0.19, and that is the leaf that fails."
    ),
)
_dpo = Recipe((Term(Pairwise(LogRatio(0.1), Logistic())),), AdamW(0.05), Group(8), pairing=AllPairs(), epochs=40)
recipe = {
    "votes": replace(_dpo, combine=Only(("votes",))),
    "RLSF": replace(_dpo, intrinsic={"gap": ProbabilityGap()}, combine=Only(("gap",))),
}
_KNOBS = {"learning_rate": (0.02, 0.06, 0.18)}
GRID = {"votes": _KNOBS, "RLSF": _KNOBS}
TUNED_BY = "accuracy at the end"
claim = AllOf(
    BetterThan("RLSF", "start", on="accuracy at the end", effect=0.03),
    BetterThan("RLSF", "start", on="ECE at the end", lower_is_better=True, effect=0.03),
    NoWorseThan("RLSF", "votes", on="accuracy at the end", margin=0.03, matched="samples, updates"),
)
SEEDS = {"smoke": 1, "full": 16, "tune": 3}


def look(policy: TablePolicy, world: Knowing) -> dict[str, float]:
    p = conclusions(policy)
    right = one_hot(world.answer(), world.vocabulary)
    return measured(policy, world) | {"ECE": float(CalibrationError(10)(p.flatten().numpy(), right.flatten().numpy()))}


def trial(arm: str, seed: int, scale: str, learning_rate: float) -> dict:
    method = replace(recipe[arm], optimiser=AdamW(learning_rate), epochs=2 if scale == "smoke" else 40)
    rewards = {"votes": AnswerFrequency(steps=1)} if arm == "votes" else {}
    return numbers(trained(method, Knowing(seed=seed), seed, (1,), rewards, look))


def experiment(seed: int, scale: str, tuned: dict) -> dict:
    world = Knowing(seed=seed)
    before = {f"{name} at the end": value for name, value in look(world.start(), world).items()}
    return {"start": before, **{arm: trial(arm, seed, scale, **setting) for arm, setting in tuned.items()}}
