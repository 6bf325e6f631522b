"""Robust DPO: labels are flipped with a known probability, and the loss that takes this back has the clean loss as its expectation.

World: a bandit of six answers with rewards from N(0, 1), a reference with logits from N(0, 1/4), people who compare by Bradley-Terry; a
share of 10, 20, 30 or 40 % of the labels is flipped. A seed is another bandit. The aim is E[reward] - beta KL at beta = 0.5; every method
knows beta, and rDPO and cDPO know the rate.

*Infinitely many labels*, both orders of each pair weighed by how often it is labelled so: the largest difference between the gradient on
flipped and on clean labels (at a random policy), and the distance (total variation) of the minimiser from the optimum.

*2,048 labels* on pairs from the reference: the true reward of the minimiser and its regret, the objective's shortfall from the optimum.
"beta tuned" is the same with the beta from an eighth to four times the true one that gives the lowest regret, which nobody with flipped
labels could know. It is measured, for all three, and no part of the claim: to flip labels is nearly to shrink the rewards by 1 - 2 rate,
and a smaller beta makes up for that.

*Error*: the root mean square of (implicit reward - reward), both without their means, over four sets of 32,768 labels on uniform pairs, and
its slope over 1 / (1 - 2 rate), both in logarithms, rates 0 to 40 %. The theorem bounds the error by that factor. One pair's own factor is
sqrt(q (1 - q) / (p (1 - p))) / (1 - 2 rate), with p the chance of a clean label's order and q of a flipped one's, so the bound is met where
clean labels are already close to a coin's: the slope is claimed to be 1, within 0.25, with rewards of deviation 0.3, and measured with
deviation 1 as well.

All minimisers are found by L-BFGS, so no method has a learning rate. rDPO's loss has no lower bound where a pair was always labelled one
way; there it is what 200 iterations reach. Weights of examples are stored in single precision, which is why the gradients agree to 1e-8 and
no further.

Changed after the first full runs: they claimed lower regret than DPO and cDPO as well, which eight seeds left undecided at 40 % (and only
there: the correction's variance, a seed or two whose minimiser runs away); regret is still measured, and the claim is about the reward, as
the paper's. And they claimed the slope with rewards of deviation 1, where it was 1.21 [1.11, 1.34] and, with 262,144 labels, 1.23 [1.09,
1.37]: undecided, and more than the bound's factor because clean labels say more there. Trials before, with 512 to 8,192 labels and four
seeds, had shown what is said of tuned betas.

Source: Chowdhury, Kini and Natarajan 2024, arXiv 2403.00409: eq. 12 and the bound on the error of section 4. Its experiments on text are
not repeated. cDPO: Mitchell 2023.
"""

import math

import numpy as np
import torch
from torch import Tensor

from guerdon.atlas import AllOf, BetterThan, EqualTo, System
from guerdon.atlas._comparing import ComparisonWorld, gradient, minimise
from guerdon.losses.comparisons.logistic import Logistic
from guerdon.losses.labels import Label
from guerdon.losses.labels.noisy import Noisy
from guerdon.losses.labels.unbiased import Unbiased
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.scores.log_ratio import LogRatio
from guerdon.models.finite.tabular import Tabular
from guerdon.randomness import derive
from guerdon.recipes.dpo import recipe as dpo
from guerdon.recipes.robust_dpo import recipe as rdpo
from guerdon.training.recipe import Term
from guerdon.worlds.finite.contextual_bandit import ContextualBandit

system = System(
    title="Provably Robust DPO: Aligning Language Models with Noisy Feedback",
    link="https://arxiv.org/abs/2403.00409",
    kind="method",
    builds_on=("dpo", "cdpo", "label-noise-injector"),
    note="At the same beta. A smaller beta, chosen by the clean objective, makes up for most of what flips do to DPO: with it DPO has less regret than rDPO at 20 and 40 %. "
    "At 40 % the regret of rDPO itself is not reliably below DPO's: the correction's variance.",
)
BETA, ANSWERS, LABELS, MANY, SETS = 0.5, 6, 2048, 32_768, 4
HARD = 0.3  # rewards of which people hardly tell one from the other
RATES = (0.1, 0.2, 0.3, 0.4)
FACTORS = (1 / 8, 1 / 4, 1 / 2, 1, 2, 4)
recipe = {"rDPO": rdpo, "DPO": dpo}
claim = AllOf(
    EqualTo("rDPO", 0.0, on="difference of the gradients", tolerance=1e-7, at="every"),
    EqualTo("rDPO", 0.0, on="distance of the minimiser", tolerance=1e-3, at="every"),
    *(BetterThan("rDPO", other, on="reward", at="every") for other in ("DPO", "cDPO")),
    EqualTo("rDPO", 1.0, on="slope of the error", tolerance=0.25),
)
SEEDS = {"smoke": 1, "full": 8}


def experiment(seed: int, scale: str) -> dict:
    world, hard = bandit(seed), bandit(seed, HARD)
    labels = {"rDPO": Unbiased, "DPO": lambda rate: None, "cDPO": Noisy}
    arms: dict[str, dict] = {name: in_expectation(world, seed, label) for name, label in labels.items()}
    for name, label in labels.items():
        at = {rate: {f: drawn(world, seed, label(rate), rate, f * BETA) for f in FACTORS} for rate in RATES}
        best = {rate: min(results.values(), key=lambda result: result["regret"]) for rate, results in at.items()}
        for measure in ("reward", "regret"):
            arms[name][measure] = {rate: at[rate][1][measure] for rate in RATES}
            arms.setdefault(f"{name}, beta tuned", {})[measure] = {rate: best[rate][measure] for rate in RATES}
    sets = 1 if scale == "smoke" else SETS
    arms["rDPO"]["slope of the error"] = slope(hard, seed, sets)
    arms["rDPO"]["slope of the error, rewards of deviation 1"] = slope(world, seed, sets)
    return arms


def bandit(seed: int, deviation: float = 1.0) -> ComparisonWorld:
    return ComparisonWorld(
        reward=ContextualBandit(actions=ANSWERS, deviation=deviation, seed=derive(seed, "rewards")).rewards()[0],
        start=Tabular(1, ANSWERS, deviation=0.5, seed=derive(seed, "reference")).build,
        beta=BETA,
    )


def method(label: Label | None, beta: float = BETA) -> tuple[Term]:
    return (Term(Pairwise(LogRatio(beta), Logistic(), label=label)),)


def in_expectation(world: ComparisonWorld, seed: int, label) -> dict[str, dict[float, float]]:
    """What flipped labels do to the gradient and to the minimiser, with infinitely many of them."""
    policy, found = Tabular(1, ANSWERS, deviation=1.0, seed=derive(seed, "policy")).build(), {}
    clean = gradient(policy, method(None), world.all_pairs(), world.reference)
    for rate in RATES:
        terms, flipped, learned = method(label(rate)), world.all_pairs(flip=rate), world.start()
        difference = float((gradient(policy, terms, flipped, world.reference) - clean).abs().max())
        minimise(learned, terms, flipped)
        found[rate] = (difference, world.measured(learned)["distance from the optimum"])
    return {
        "difference of the gradients": {rate: difference for rate, (difference, _) in found.items()},
        "distance of the minimiser": {rate: distance for rate, (_, distance) in found.items()},
    }


def drawn(world: ComparisonWorld, seed: int, label: Label | None, rate: float, beta: float) -> dict[str, float]:
    policy = world.start()
    minimise(policy, method(label, beta), world.counted(world.drawn(LABELS, world.reference_probabilities, seed, flip=rate)))
    return world.measured(policy)


def slope(world: ComparisonWorld, seed: int, sets: int) -> float:
    """How the logarithm of rDPO's error grows with that of 1 / (1 - 2 rate)."""
    uniform, errors = torch.full((ANSWERS,), 1 / ANSWERS, dtype=torch.float64), []
    for rate in (0.0, *RATES):
        squares = [error(world, world.drawn(MANY, uniform, derive(seed, "set", k), flip=rate), rate) for k in range(sets)]
        errors.append(math.sqrt(sum(squares) / sets))
    return float(np.polyfit([-math.log(1 - 2 * rate) for rate in (0.0, *RATES)], np.log(errors), 1)[0])


def error(world: ComparisonWorld, pairs: Tensor, rate: float) -> float:
    """The mean square of the implicit reward's error."""
    policy = world.start()
    minimise(policy, method(Unbiased(rate)), world.counted(pairs))
    off = BETA * (policy.log_probabilities() - world.reference.log_probabilities())[0].detach() - world.reward
    return float((off - off.mean()).square().mean())
