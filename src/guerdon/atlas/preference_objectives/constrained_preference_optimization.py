"""Constrained preference optimization: DPO is content with a policy that still prefers the loser; a floor under its target is not.

World: a bandit of eight answers with rewards from N(0, 1) and a reference that favours the bad ones, logits -reward + N(0, 1/4): it
misorders some 80 % of the pairs. People compare by Bradley-Terry, all pairs alike, both orders weighed by how often each is labelled so
(infinitely many labels). beta = 1. A seed is another bandit. Minimisers by L-BFGS.

* DPO, whose minimiser is the optimum of E[reward] - beta KL;
* the floor of the authors' code, smooth (tau = 2) with a floor of 0.5, and hard at 0 (their ``clip``);
* the paper's own loss, its eq. 17: a margin of gamma (1 / pi_ref(chosen) + 1 / pi_ref(rejected)), here with gamma = 0.05;
* the third form of the code, which calls itself easy and has the *logarithms* of these likelihoods in their place: they are negative, so
  the margin is, and with it the constraint.

Measured over all pairs of different rewards: the share that the policy misorders (prefers the worse answer); the share that is misordered
and yet less so than by the reference, where DPO's loss fell: the paper's undesirable set; how far DPO's loss fell on these (their mean loss
under the reference, log 2, minus that under the policy). "At the KL of" a method is the policy with the highest reward at that KL, DPO's
with another beta: what the same distance from the reference buys without a constraint.

Claimed: that DPO has such pairs, more than a tenth; that the floored losses misorder at most a twentieth (a tenth where the floor is 0). Of the
floored losses and of eq. 17: that they misorder less than the best policy at their own KL, by 0.02, which a DPO with another beta would be. Less
than DPO at the same beta is measured as well; that is no price, and of the floored losses by construction: an order is what they ask for. No
loss keeps the order of every pair: labels are soft, and a pair with rewards closer than log 2 may be overruled.

Source: Yang et al. 2026, arXiv 2605.20834: the undesirable set, and the code that its abstract names (floor 0.5, tau 2, ``clip``). The paper
itself could not be read beyond its abstract; equation numbers are those of an independent reproduction. gamma is ours. beta is 1 where the
code has 0.1: rewards here are of deviation 1.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from guerdon.atlas import AllOf, BetterThan, NoWorseThan, System
from guerdon.atlas._comparing import ComparisonWorld, minimise
from guerdon.evaluation.metrics.pair_accuracy import PairAccuracy
from guerdon.exact.solvers.exponential_tilt import ExponentialTilt
from guerdon.losses.comparisons.floored_logistic import FlooredLogistic
from guerdon.losses.comparisons.logistic import Logistic
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.scores.log_probability import LogProbability
from guerdon.losses.scores.log_ratio import LogRatio
from guerdon.models.finite.tabular import Tabular
from guerdon.randomness import derive, generator
from guerdon.recipes.constrained_preference_optimization import recipe as constrained
from guerdon.training.recipe import Term
from guerdon.worlds.finite.contextual_bandit import ContextualBandit

system = System(
    title="Conditional Equivalence of DPO and RLHF: Implicit Assumption, Failure Modes, and Provable Alignment",
    link="https://arxiv.org/abs/2605.20834",
    kind="method",
    builds_on=("dpo", "reference-policy", "margin-ranking-loss", "rlhf-exact-solution"),
    read="code",
    untuned="minimisers at the settings of the authors' code, each held to the best policy at its own KL",
    note=(
        "The floors keep the order where the best policy at their KL would not. Eq. 17 misorders more than that policy (by 0.07): it had beaten DPO "
        "only by going further."
    ),
)
ANSWERS, BETA, GAMMA = 8, 1.0, 0.05
MISORDERED, CONTENT, FALL = "share of pairs misordered", "misordered, though DPO's loss fell", "fall of DPO's loss on these"
SMOOTH, HARD, DERIVED, EASY = "smooth floor at 0.5", "hard floor at 0", "margin of eq. 17", "margin of the code's easy form"
recipe = {"constrained": constrained}
_fewer = {"on": MISORDERED, "lower_is_better": True, "effect": 0.02}
claim = AllOf(
    BetterThan("DPO", 0.1, on=CONTENT, effect=0.02),
    BetterThan("DPO", 0.0, on=FALL, effect=0.02),
    NoWorseThan(SMOOTH, 0.0, on=MISORDERED, margin=0.05, lower_is_better=True),
    NoWorseThan(HARD, 0.0, on=MISORDERED, margin=0.1, lower_is_better=True),
    *(BetterThan(name, f"at the KL of {name}", **_fewer, matched="KL") for name in (SMOOTH, HARD, DERIVED)),
    *(BetterThan(name, "DPO", **_fewer, matched="beta", by_construction=True) for name in (SMOOTH, HARD)),
)
SEEDS = {"smoke": 1, "full": 200}


def experiment(seed: int, scale: str) -> dict:
    reward = ContextualBandit(actions=ANSWERS, seed=derive(seed, "rewards")).rewards()[0]
    own = torch.randn(ANSWERS, dtype=torch.float64, generator=generator(seed, "reference"))
    world = ComparisonWorld(reward, Tabular(1, ANSWERS, logits=(tuple((0.5 * own - reward).tolist()),)).build, BETA)
    ref = world.reference_probabilities
    dpo = Pairwise(LogRatio(BETA), Logistic())
    losses = {
        "DPO": (dpo, None),
        SMOOTH: (Pairwise(LogProbability(), FlooredLogistic(BETA)), None),
        HARD: (Pairwise(LogProbability(), FlooredLogistic(BETA, floor=0.0, tau=None)), None),
        DERIVED: (dpo, GAMMA / ref),
        EASY: (dpo, GAMMA / ref.log()),
    }
    arms = {"reference": measured(world, ref)}
    for name, (loss, margin) in losses.items():
        policy = world.start()
        minimise(policy, (Term(loss),), world.all_pairs() if margin is None else with_margins(world, margin))
        arms[name] = measured(world, policy.probabilities(0).detach())
        if name != "DPO":
            arms[f"at the KL of {name}"] = measured(world, ExponentialTilt(arms[name]["KL"])(reward, ref)["policy"])
    return arms


def with_margins(world: ComparisonWorld, of_side: Tensor) -> list:
    """All pairs, each with the sum of both sides' numbers as the lead that is asked for."""
    pairs = (~torch.eye(ANSWERS, dtype=torch.bool)).nonzero()
    return world.examples(pairs, world.prefer[pairs[:, 0], pairs[:, 1]], margin=of_side[pairs].sum(-1))


def measured(world: ComparisonWorld, policy: Tensor) -> dict[str, float]:
    better, worse = (world.reward.unsqueeze(-1) > world.reward).nonzero().T
    now, before = policy.clamp(min=1e-300).log(), world.reference_probabilities.log()
    lead, theirs = now[better] - now[worse], before[better] - before[worse]
    content = (lead < 0) & (lead > theirs)
    fall = math.log(2) + F.logsigmoid(BETA * (lead - theirs))
    return {
        MISORDERED: float(1 - PairAccuracy()(now[better], now[worse]).mean()),
        CONTENT: float(content.double().mean()),
        FALL: float(fall[content].mean()) if content.any() else 0.0,
        "reward": float((policy * world.reward).sum()),
        "KL": float((policy * (now - before)).sum()),
    }
