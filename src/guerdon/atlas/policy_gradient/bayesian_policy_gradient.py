"""Bayesian policy gradient: the gradient as the integral of a Gaussian process, so that few sequences say more.

World: a random tree of 27 answers of three tokens, in which each answer's reward is the sum of a number for every step that leads to it
(what an earlier token earns is shared by the answers that begin with it) and one of its own, all from N(0, 1); and a table policy with
logits from N(0, 1). The exact gradient, scores and Fisher information are enumerated. A seed is another tree and policy.

Arms estimate the gradient from the same 2, 4, 8, 16 and 32 sampled answers: "Monte Carlo" is REINFORCE, "leave-one-out" REINFORCE with the
mean of the others as baseline, "shrunk" the same times a number that is tuned (a Bayesian estimate shrinks, which lowers its squared error
by itself), "Bayesian" the posterior mean under the Fisher kernel of rewards less their mean. Noise and factor are tuned for all numbers of
samples together, by the same measure.

Measured: the squared error over the squared norm of the exact gradient, a mean over 200 draws. Tuned by the mean of its logarithm over all
numbers of samples.

0.05 of the gradient's squared norm is the smallest difference of interest.

Source: Ghavamzadeh and Engel 2007 and their JMLR article of 2016, model 2 (Fisher kernel); its abstract was read, and its equations are
known from the literature. Its claims of learning in fewer episodes on a linear regulator and mountain car, and its actor-critic, are not
tried here.
"""

import math
from functools import lru_cache

import torch
from torch import Tensor

from guerdon.atlas import AllOf, BetterThan, Knob, System, TunedBy
from guerdon.exact.estimators.bayesian_quadrature import BayesianQuadrature
from guerdon.models.finite.policy import TablePolicy
from guerdon.models.finite.tree import PrefixTree
from guerdon.randomness import derive, generator

system = System(
    title="Bayesian Policy Gradient and Actor-Critic Algorithms",
    link="https://jmlr.org/papers/v17/10-245.html",
    kind="method",
    builds_on=("reinforce", "gaussian-process", "fisher-information"),
    read="abstract",
    note=(
        "Nearly all of the lead over Monte Carlo is that of shrinking: a constant factor, tuned, has most of it with few "
        "samples and nothing with many, where the Gaussian process still gains."
    ),
)
NUMBERS = (2, 4, 8, 16, 32)
TREE = PrefixTree(3, 3)
recipe = {"Bayesian": BayesianQuadrature()}
claim = AllOf(
    BetterThan("Bayesian", "Monte Carlo", on="error", at="every", lower_is_better=True, effect=0.05, matched="samples"),
    BetterThan("Bayesian", "leave-one-out", on="error", at="every", lower_is_better=True, effect=0.05, matched="samples"),
    BetterThan("Bayesian", "shrunk", on="error", at="every", lower_is_better=True, effect=0.05, matched="samples"),
)
SEEDS = {"smoke": 1, "full": 24, "tune": 4}
GRID = {"shrunk": {"factor": Knob((0.2, 0.5, 0.8), least=0.0)}, "Bayesian": {"noise": (0.25, 1.0, 4.0)}}
TUNED_BY = TunedBy("mean error", lower_is_better=True)


@lru_cache(maxsize=4)
def world(seed: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Rewards [S], probabilities [S], scores [S, D], Fisher information [D, D]."""
    rng = generator(seed, "tree and policy")
    policy = TablePolicy(TREE, torch.randn(1, TREE.prefixes, TREE.vocabulary, dtype=torch.float64, generator=rng))
    earned = torch.randn(TREE.prefixes, TREE.vocabulary, dtype=torch.float64, generator=rng)
    nodes, actions = TREE.nodes(TREE.actions), TREE.actions
    reward = earned[nodes, actions].sum(-1) + torch.randn(TREE.size, dtype=torch.float64, generator=rng)
    logp = policy.log_probabilities()[0]
    scores = torch.stack([torch.autograd.grad(one, policy.logits, retain_graph=True)[0].flatten() for one in logp])
    p = logp.detach().exp()
    return reward, p, scores, scores.T @ (p[:, None] * scores)


def estimate(arm: str, score: Tensor, reward: Tensor, fisher: Tensor, knobs: dict[str, float]) -> Tensor:
    if arm == "Monte Carlo":
        return score.T @ reward / len(reward)
    others = (reward - reward.mean()) * len(reward) / (len(reward) - 1)
    if arm != "Bayesian":
        return knobs.get("factor", 1.0) * score.T @ others / len(reward)
    return BayesianQuadrature(**knobs)(score, reward - reward.mean(), fisher).mean


def trial(arm: str, seed: int, scale: str, **knobs: float) -> dict:
    reward, p, scores, fisher = world(seed)
    exact = scores.T @ (p * reward)
    error, draws = {}, 10 if scale == "smoke" else 200
    for n in NUMBERS:
        rows = torch.multinomial(p.expand(draws, -1), n, replacement=True, generator=generator(derive(seed, "draws", n), "answers"))
        found = torch.stack([estimate(arm, scores[each], reward[each], fisher, knobs) for each in rows])
        error[n] = float((found - exact).square().sum(-1).mean() / exact.square().sum())
    return {"error": error, "mean error": sum(math.log(value) for value in error.values()) / len(error)}


def experiment(seed: int, scale: str, tuned: dict) -> dict:
    return {arm: trial(arm, seed, scale, **tuned.get(arm, {})) for arm in ("Monte Carlo", "leave-one-out", "shrunk", "Bayesian")}
