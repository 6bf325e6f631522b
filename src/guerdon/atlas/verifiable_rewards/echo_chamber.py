"""Echo chamber: of several ways to write a solution RL makes one its own, within few updates, and the others vanish.

World: 128 problems, answered by sequences of three actions over four (``worlds.finite.approaches``, one kind); the first action is the format in
which the solution is written. A sequence works on some problems and not on others. The policy has preferences of its own on each problem, and a shift
that all of them share is what is trained (``models.finite.shared_shift``), so that a format is favoured by all or by none: that shift is what
pretraining left. Half of the problems are practised on, everything is measured on the other half; a seed is another world and policy.

Arms, 30 steps of 16 problems x 8 answers: GRPO without a KL, "GRPO, KL" (k3, weight 0.1), expert iteration (the log-likelihood of right answers, no
others), and "GRPO, easy", which practises only on the half of its problems that the base solves oftenest. Learning rates of GRPO and of expert
iteration are tuned alike, by the rate of success; the others have GRPO's.

Measured, exact, at the base and at the end: "pass@1"; "pass@64"; "top format", the share of the format that is said most, over all held-out problems;
"pass@1 of hard", over the half of them that the base solves most seldom.

The paper's other claim, that models of another size come to another format, needs models of sizes and is not tried: a table has none.

Source: Zhao et al. 2025, arXiv 2504.07912: abstract. There models of 150 M and 1 B that were pretrained on mixtures of three formats, PPO, GRPO and
expert iteration. The smallest differences of interest: 0.1 of a share, 0.02 of a rate.
"""

from dataclasses import replace
from functools import lru_cache

import torch

from guerdon.acting.samplers.group import Group
from guerdon.atlas import AllOf, BetterThan, System
from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.credit.advantages.signed_weight import SignedWeight
from guerdon.evaluation.metrics.exact_pass_at_k import ExactPassAtK
from guerdon.losses.penalties.kl_exponential import KLExponential
from guerdon.losses.reduce.sequence_mean import SequenceMean
from guerdon.losses.surrogates.clip import Clip
from guerdon.losses.surrogates.reinforce import Reinforce
from guerdon.models.finite.policy import TablePolicy
from guerdon.models.finite.shared_shift import SharedShift
from guerdon.sequences import Decoding
from guerdon.training.judging import FiniteScene
from guerdon.training.loops.improve import improve
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Budget, Recipe, Term
from guerdon.worlds.finite.approaches import Approaches

system = System(
    title="Echo Chamber: RL Post-training Amplifies Behaviors Learned in Pretraining",
    link="https://arxiv.org/abs/2504.07912",
    kind="study",
    builds_on=("grpo", "expert-iteration", "pass-at-k"),
    read="abstract",
    note=(
        "One format takes over, as the paper says, and so does it under expert iteration, which is no reinforcement learning. "
        "What a KL takes of that is undecided, with 0.15 of 0.41 and an interval that just holds 0."
    ),
)
PROBLEMS, HALF, FORMATS, DEPTH, STEPS = 128, 64, 4, 3, 30
_grpo = Recipe((Term(Clip(0.2), reduce=SequenceMean()),), AdamW(0.1), Group(8), advantage=GroupCentred())
recipe = {
    "GRPO": _grpo,
    "expert iteration": Recipe((Term(Reinforce(), reduce=SequenceMean()),), AdamW(0.1), Group(8), advantage=SignedWeight(1.0, 0.0)),
    "GRPO, KL": replace(_grpo, terms=(*_grpo.terms, Term(KLExponential(), weight=0.1, reduce=SequenceMean()))),
    "GRPO, easy": _grpo,
}
_KNOBS = {"learning_rate": (0.03, 0.1, 0.3)}
GRID = {"GRPO": _KNOBS, "expert iteration": _KNOBS}
TUNED_BY = "pass@1"
claim = AllOf(
    *(BetterThan(arm, "base", on="top format", effect=0.1) for arm in ("GRPO", "expert iteration", "GRPO, KL")),
    *(BetterThan(arm, "base", on="pass@1", effect=0.02) for arm in ("GRPO", "expert iteration")),
    BetterThan("base", "GRPO", on="pass@64", effect=0.02),
    BetterThan("GRPO", "GRPO, KL", on="top format", effect=0.1, matched="samples, updates"),
    BetterThan("GRPO, easy", "base", on="pass@1 of hard", effect=0.02),
)
SEEDS = {"smoke": 1, "full": 12, "tune": 3}


@lru_cache(maxsize=8)
def world_of(seed: int) -> Approaches:
    return Approaches(PROBLEMS, 1, vocabulary=FORMATS, depth=DEPTH, seed=seed)


def start(seed: int) -> TablePolicy:
    return SharedShift(PROBLEMS, 1, vocabulary=FORMATS, depth=DEPTH, own=0.5, shared=1.0, seed=seed).build()


@torch.no_grad()
def measured(policy: TablePolicy, seed: int) -> dict[str, float]:
    rewards = world_of(seed).rewards()
    rate, before = policy.expect(rewards)[HALF:], start(seed).expect(rewards)[HALF:]
    formats = policy.log_probabilities()[HALF:].exp().unflatten(-1, (FORMATS, -1)).sum(-1).mean(0)
    hard = before <= before.median()
    found = {f"pass@{k}": float(ExactPassAtK(k)(rate).mean()) for k in (1, 64)}
    return found | {"top format": float(formats.max()), "pass@1 of hard": float(rate[hard].mean())}


def trial(arm: str, seed: int, scale: str, learning_rate: float) -> dict:
    policy, world, rows = start(seed), world_of(seed), world_of(seed).train()[:HALF]
    if arm == "GRPO, easy":
        rate = policy.expect(world.rewards()).detach()[:HALF]
        rows = [row for row, solved in zip(rows, (rate >= rate.median()).tolist(), strict=True) if solved]
    budget = Budget(2 if scale == "smoke" else STEPS, batch_size=16, seed=seed)
    improve(policy, FiniteScene(world), rows, replace(recipe[arm], optimiser=AdamW(learning_rate)), budget, Decoding(DEPTH))
    return measured(policy, seed)


def experiment(seed: int, scale: str, tuned: dict) -> dict:
    found = {arm: trial(arm, seed, scale, **setting) for arm, setting in tuned.items()}
    found |= {arm: trial(arm, seed, scale, **tuned["GRPO"]) for arm in ("GRPO, KL", "GRPO, easy")}
    return {"base": measured(start(seed), seed), **found}
