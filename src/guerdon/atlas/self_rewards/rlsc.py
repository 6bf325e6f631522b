"""RLSC: what one says is weighed by how likely one was to say it; the mode wins, right or wrong.

World: 32 questions answered by a reasoning and a conclusion, a policy that is a table and sure of some right and of some wrong conclusions
(``_knowing.Knowing``). All are trained on, with 16 answers each; a seed is another world and policy.

Arms: "RLSC" (REINFORCE with the likelihood of the whole answer, plus 0.1, as the weight; no baseline, as in the paper), and "majority vote"
(REINFORCE with TTRL's vote of conclusions and the mean of the group as baseline). Learning rates are tuned alike, by the accuracy after 40 steps.

Measured, exact: "accuracy", "sure" (how likely two conclusions are the same) and the entropy of whole answers, at the start and after 10, 20, 30 and
40 steps; "accuracy where right" and "where wrong": over the questions whose likeliest answer was right, or wrong, at the start. And "distance":
between the expected gradient of the paper's loss at the start, worked out over all answers, and that of minus half the sum of squared probabilities,
relative to its size: it is to be 0, with the 0.1 as well, which only changes variance.

Source: Li et al. 2025, arXiv 2506.06395: the functional, sum p^2, and the smoothing alpha 0.1. There: Qwen2.5-Math-7B, 16 samples a
question, 10 to 20 steps. The smallest difference of interest: 0.03 of accuracy.
"""

from dataclasses import replace

import torch

from guerdon.acting.samplers.group import Group
from guerdon.atlas import AllOf, BetterThan, EqualTo, FallsWith, NoWorseThan, System
from guerdon.atlas.self_rewards._knowing import Knowing, conclusions, measured, numbers, trained
from guerdon.credit.advantages.fixed_baseline import FixedBaseline
from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.feedback.combining.only import Only
from guerdon.feedback.intrinsic.likelihood import Likelihood
from guerdon.feedback.rewards.majority_vote import MajorityVote
from guerdon.losses.reduce.constant_length import ConstantLength
from guerdon.losses.surrogates.reinforce import Reinforce
from guerdon.models.finite.policy import TablePolicy
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term

system = System(
    title="Confidence Is All You Need: Few-Shot RL Fine-Tuning of Language Models",
    link="https://arxiv.org/abs/2506.06395",
    kind="method",
    builds_on=("reinforce", "likelihood", "majority-vote"),
    read="abstract",
    note=(
        "It gains 0.10 on the start, all of it where the majority was right: where it was wrong, accuracy falls from 0.25 to "
        "0.07, further than under the majority vote. The interval of the difference from the majority lies on both sides of the "
        "margin."
    ),
)
ALPHA = 0.1
_plain = Recipe((Term(Reinforce(), reduce=ConstantLength(2)),), AdamW(0.05), Group(16))
recipe = {
    "majority vote": replace(_plain, advantage=GroupCentred(scale=None), combine=Only(("vote",))),
    "RLSC": replace(
        _plain, advantage=FixedBaseline(-ALPHA), intrinsic={"likelihood": Likelihood(over="sequence")}, combine=Only(("likelihood",))
    ),
}
_KNOBS = {"learning_rate": (0.02, 0.06, 0.18)}
GRID = {"majority vote": _KNOBS, "RLSC": _KNOBS}
TUNED_BY = "accuracy at the end"
claim = AllOf(
    BetterThan("RLSC", "start", on="accuracy at the end", effect=0.03),
    NoWorseThan("RLSC", "majority vote", on="accuracy at the end", margin=0.03, matched="samples, updates"),
    FallsWith("RLSC", on="entropy"),
    BetterThan("RLSC", "start", on="accuracy where right at the end", effect=0.03),
    BetterThan("start", "RLSC", on="accuracy where wrong at the end", effect=0.03),
    EqualTo("RLSC", 0.0, on="distance", tolerance=1e-9),
)
SEEDS = {"smoke": 1, "full": 16, "tune": 3}


def look(policy: TablePolicy, world: Knowing) -> dict[str, float]:
    logp = policy.log_probabilities().detach()
    right = conclusions(policy).gather(-1, world.answer().unsqueeze(-1)).squeeze(-1)
    known = world.tree.actions[world.start().log_probabilities().argmax(-1), 1] == world.answer()
    where = {"accuracy where right": float(right[known].mean()), "accuracy where wrong": float(right[~known].mean())}
    return measured(policy, world) | where | {"entropy": float(-(logp.exp() * logp).sum(-1).mean())}


def trial(arm: str, seed: int, scale: str, learning_rate: float) -> dict:
    stops, rewards = (1, 2) if scale == "smoke" else (10, 20, 30, 40), {"vote": MajorityVote(steps=1)} if arm == "majority vote" else {}
    method = replace(recipe[arm], optimiser=AdamW(learning_rate))
    return numbers(trained(method, Knowing(seed=seed), seed, stops, rewards, look))


def experiment(seed: int, scale: str, tuned: dict) -> dict:
    world = Knowing(seed=seed)
    found = {arm: trial(arm, seed, scale, **setting) for arm, setting in tuned.items()}
    found["RLSC"]["distance"] = distance(world.start())
    return {"start": {f"{name} at the end": value for name, value in look(world.start(), world).items()}, **found}


def distance(policy: TablePolicy) -> float:
    """Between the expected gradient of the loss and that of minus half the sum of squared probabilities, relative to its size."""
    logp = policy.log_probabilities()
    p = logp.detach().exp()
    (loss,) = torch.autograd.grad(-(p * (p + ALPHA) * logp).sum(), policy.logits, retain_graph=True)
    (exact,) = torch.autograd.grad(-0.5 * logp.exp().square().sum(), policy.logits)
    return float((loss - exact).norm() / exact.norm())
