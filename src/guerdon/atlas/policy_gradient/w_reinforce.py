"""Weighted REINFORCE: learn mostly from wrong answers, and other right ones stay likely.

World: 256 problems of four kinds, answered by one of 256 sequences of four actions (``worlds.finite.approaches``); a sequence works on some problems of a kind
and not on others. The policy has preferences of its own on each problem; what is trained is a shift that all problems of a kind share. Half of the problems are
practised on, everything is measured on the other half, by sums over all sequences.

Arms: the base; PSR (only right answers, weight 1), NSR (only wrong ones), W-REINFORCE (right ones times 0.1) and GRPO. Each has 200 steps of 16 problems x 8
answers and one step of AdamW per batch, at the learning rate that is best for it over the whole curve ("overall", below).

Measured: pass@k over held-out problems, its mean over k = 1, 4, 16, 64, 256 ("overall"), the entropy of the policy over whole sequences in nats, also at equal
pass@1 along the way, since an arm that has learned less has kept more; and, of PSR and NSR at the base, the distance between their *expected* gradients,
relative to their size.

That distance is 0, and it is the reader's key to the rest: the probabilities of right and wrong answers sum to 1, so on-policy PSR and NSR are the same
gradient in expectation, and W-REINFORCE 1.1 times it. What tells them apart is what sampling makes of it: praise of what happened to be sampled drifts towards
it, blame spreads what it takes over all others in proportion to their probability. So the effect vanishes for small learning rates, and only for samples of the
policy itself.

Source: Zhu et al. 2025, arXiv 2506.01347: PSR and NSR, section 3 and table 1 (pass@k, k up to 256), section 5 and eq. 9 (W-REINFORCE, lambda 0.1).
"""

from dataclasses import replace

import torch
from torch import Tensor

from guerdon.acting.samplers.group import Group
from guerdon.atlas import AheadAlong, AllOf, BetterThan, EqualTo, System
from guerdon.atlas._text import Along
from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.credit.advantages.signed_weight import SignedWeight
from guerdon.evaluation.metrics.exact_pass_at_k import ExactPassAtK
from guerdon.losses.reduce.sequence_mean import SequenceMean
from guerdon.losses.reduce.token_mean import TokenMean
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
    title="The Surprising Effectiveness of Negative Reinforcement in LLM Reasoning",
    link="https://arxiv.org/abs/2506.01347",
    kind="method",
    builds_on=("reinforce", "pass-at-k", "signed-weight"),
    read="abstract",
    note="At equal pass@1 blame alone keeps more entropy than praise alone or GRPO; at the rates that are best for each it ends with less, "
    "since it takes four times as large steps. "
    "Pass@256 does not tell the arms apart; over all k weighted REINFORCE is ahead of praise and of GRPO, and not of blame alone.",
)
recipe = {
    "psr": Recipe((Term(Reinforce(), reduce=TokenMean()),), AdamW(0.04), Group(8), advantage=SignedWeight(1.0, 0.0)),
    "nsr": Recipe((Term(Reinforce(), reduce=TokenMean()),), AdamW(0.04), Group(8), advantage=SignedWeight(0.0, 1.0)),
    "w-reinforce": Recipe((Term(Reinforce(), reduce=TokenMean()),), AdamW(0.04), Group(8), advantage=SignedWeight(0.1, 1.0)),
    "grpo": Recipe((Term(Clip(0.2), reduce=SequenceMean()),), AdamW(0.02), Group(8), advantage=GroupCentred()),
}
claim = AllOf(
    *(BetterThan("nsr", o, on="entropy", effect=0.1, matched="samples, updates") for o in ("psr", "grpo")),
    *(AheadAlong("nsr", o, on="entropy by step", along="pass@1 by step", effect=0.1) for o in ("psr", "grpo")),
    *(BetterThan("nsr", o, on="pass@k", at="last", effect=0.01, matched="samples, updates") for o in ("psr", "grpo")),
    BetterThan("nsr", "base", on="pass@k", at=1, effect=0.01),
    *(BetterThan("w-reinforce", o, on="overall", effect=0.005, matched="samples, updates") for o in ("base", "psr", "nsr", "grpo")),
    EqualTo("psr", 0.0, on="distance of expected gradients", tolerance=1e-9),
)
SEEDS = {"smoke": 1, "full": 10, "tune": 3}
GRID = {arm: {"learning_rate": (0.01, 0.02, 0.04)} for arm in ("grpo", "psr", "nsr", "w-reinforce")}
TUNED_BY = "overall"
KS = (1, 4, 16, 64, 256)
PROBLEMS, KINDS, STEPS, STOPS = 256, 4, 200, (10, 25, 50, 100, 150, 200)


def trial(arm: str, seed: int, scale: str, learning_rate: float) -> dict:
    """What comes of an arm, and entropy and pass@1 on the way."""
    small, world, policy = scale == "smoke", world_of(seed), policy_of(seed)
    along = Along((2, 4) if small else STOPS, lambda: measured(policy, seed))
    method = replace(recipe[arm], optimiser=AdamW(learning_rate))
    budget = Budget(4 if small else STEPS, batch_size=16, seed=seed)
    improve(policy, FiniteScene(world), world.train()[: PROBLEMS // 2], method, budget, Decoding(world.depth), display=along)
    entropy = {step: seen["entropy"] for step, seen in along.seen.items()}
    first = {step: seen["pass@k"][1] for step, seen in along.seen.items()}
    return measured(policy, seed) | {"entropy by step": entropy, "pass@1 by step": first}


def experiment(seed: int, scale: str, tuned: dict) -> dict:
    numbers = {"base": measured(policy_of(seed), seed)} | {arm: trial(arm, seed, scale, **setting) for arm, setting in tuned.items()}
    numbers["psr"]["distance of expected gradients"] = distance(policy_of(seed), world_of(seed).rewards())
    return numbers


def world_of(seed: int) -> Approaches:
    return Approaches(PROBLEMS, KINDS, vocabulary=4, depth=4, mean=-5.0, deviation=2.0, seed=seed)


def policy_of(seed: int) -> TablePolicy:
    return SharedShift(PROBLEMS, KINDS, vocabulary=4, depth=4, own=0.5, shared=2.0, seed=seed).build()


@torch.no_grad()
def measured(policy: TablePolicy, seed: int) -> dict:
    rate = policy.expect(world_of(seed).rewards())[PROBLEMS // 2 :]
    logp = policy.log_probabilities()[PROBLEMS // 2 :]
    curve = {k: float(ExactPassAtK(k)(rate).mean()) for k in KS}
    return {"pass@k": curve, "overall": sum(curve.values()) / len(KS), "entropy": float(-(logp.exp() * logp).sum(-1).mean())}


def distance(policy: TablePolicy, rewards: Tensor) -> float:
    """Between the expected gradients of PSR and NSR, relative to that of PSR."""
    parameters = list(policy.module.parameters())
    logp, drawn = policy.log_probabilities(), policy.log_probabilities().detach().exp()
    right = torch.autograd.grad(-(drawn * rewards * logp).sum(), parameters, retain_graph=True)
    wrong = torch.autograd.grad((drawn * (1 - rewards) * logp).sum(), parameters)
    gap = sum((a - b).square().sum() for a, b in zip(right, wrong, strict=True))
    return float((gap / sum(a.square().sum() for a in right)).sqrt())
