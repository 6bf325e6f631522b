"""RL with a KL penalty is Bayesian inference: what it learns is the posterior that prior and reward define; without the penalty it collapses.

World: token trees with a random prior (every step's logits from N(0, 1/4)) and a reward from N(0, 1) for each of the 9 sequences, so that the posterior p*(y) ~
prior(y) exp(reward(y) / beta) is known. A seed is another tree. Three arms start from the prior and each draws 400 groups of 64:

* RL: REINFORCE with a leave-one-out baseline on the reward alone;
* RL with KL: the same, the log-ratio to the prior taken from the reward with the weight beta. Its gradient is that of the *reverse* KL(policy || p*);
* distributional policy gradient: every sample weighted by target over policy, self-normalised in its group. Its gradient is that of the *forward* KL(p* ||
  policy).

Adam's learning rate falls to 0 in a line and is tuned for each arm, by what that arm maximises: the reward, or minus its own KL. "RL, stopped early" is RL at
the best of eleven stops, chosen by the distance that is measured: the most generous way to get near the posterior without a penalty (that RL *trained to its
end* is further away is no finding, since its optimum is another). Measured by enumeration: the distance (total variation) from the posterior, both KLs in nats,
the entropy, and the probability of the best sequence. "identity" has no training in it: it is the largest |J(policy) - beta (log Z - KL(policy || p*))| over
100 random policies, which the paper's derivation says is 0.

"Collapses" is here: an entropy below 0.1 nats on average; "to the argmax": the best sequence has more than 0.9. "Reaches": a distance of at most 0.03. Trials
with 27 sequences, one learning rate, and priors from N(0, 1) and N(0, 1/4) came before: there RL collapsed, in about one tree of three, to a sequence that is
not the best, because that one was rarely drawn. So the trees are smaller here and RL's learning rate is tuned. That RL collapses to the argmax is true of what
is sampled often enough.

Source: Korbak et al. 2022, arXiv 2205.11275: collapse of standard RL, KL-regularised RL as variational inference, and the forward KL of distributional policy
gradient (arXiv 2012.11635) beside it.
"""

from dataclasses import replace

import torch
from torch import Tensor

from guerdon.acting.samplers.group import Group
from guerdon.atlas import AllOf, BetterThan, EqualTo, System
from guerdon.atlas._text import Along
from guerdon.credit.advantages.leave_one_out import LeaveOneOut
from guerdon.credit.advantages.target_ratio import TargetRatio
from guerdon.evaluation.metrics.exact_kl import ExactKL
from guerdon.exact.solvers.kl_regularised_optimum import KLRegularisedOptimum
from guerdon.losses.penalties.kl_direct import KLDirect
from guerdon.losses.reduce.constant_length import ConstantLength
from guerdon.losses.surrogates.reinforce import Reinforce
from guerdon.models.finite.policy import TablePolicy
from guerdon.randomness import derive
from guerdon.sequences import Decoding
from guerdon.training.judging import FiniteScene
from guerdon.training.loops.improve import improve
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Budget, Recipe, Term
from guerdon.training.schedules.linear import Linear
from guerdon.worlds.finite.random_tree import RandomTree

system = System(
    title="RL with KL penalties is better viewed as Bayesian inference",
    link="https://arxiv.org/abs/2205.11275",
    kind="theory",
    builds_on=("kl-penalty", "reinforce", "distributional-policy-gradient", "kl-regularised-optimum"),
    read="abstract",
)
BETA = 0.5
PRIOR = 0.5
_rl = Recipe(
    terms=(Term(Reinforce(), reduce=ConstantLength(length=1)),),
    optimiser=AdamW(Linear(0.1)),
    sampler=Group(64),
    advantage=LeaveOneOut(),
)
recipe = {
    "RL": _rl,
    "RL with KL": replace(_rl, reward_penalties=(Term(KLDirect(), weight=BETA),)),
    "distributional policy gradient": replace(_rl, advantage=TargetRatio(BETA, baseline=1.0)),
}
claim = AllOf(
    BetterThan("RL", 0.1, on="entropy", lower_is_better=True, effect=0.05),
    BetterThan("RL", 0.9, on="mass of the best", effect=0.05),
    EqualTo("RL with KL", 0.0, on="distance from the posterior", tolerance=0.03),
    EqualTo("distributional policy gradient", 0.0, on="distance from the posterior", tolerance=0.03),
    BetterThan(
        "RL with KL", "RL", on="distance from the posterior", lower_is_better=True, effect=0.05, matched="samples", by_construction=True
    ),
    BetterThan("RL with KL", "RL, stopped early", on="distance from the posterior", lower_is_better=True, effect=0.02, matched="samples"),
    EqualTo("identity", 0.0, on="gap", tolerance=1e-9),
)
SEEDS = {"smoke": 1, "full": 8, "tune": 4}
GRID = {name: {"learning_rate": (0.03, 0.1, 0.3)} for name in recipe}
TUNED_BY = "own objective"
STOPS = (0, 5, 10, 15, 20, 30, 40, 60, 80, 120, 200)


class World:
    """A tree, its prior and its posterior."""

    def __init__(self, seed: int):
        self.seed, self.tree = seed, RandomTree(vocabulary=3, depth=2, seed=derive(seed, "world"))
        self.start = self.tree.policy(deviation=PRIOR, seed=derive(seed, "prior"))
        self.reward = self.tree.rewards()[0]
        self.posterior = KLRegularisedOptimum(BETA)(self.tree.rewards(), self.start.build().probabilities(0).detach())

    def learned(self, name: str, rate: float, scale: str, stops: tuple[int, ...] = ()) -> list[Tensor]:
        """The policy [S] at each stop and at the end."""
        policy, method = self.start.build(), replace(recipe[name], optimiser=AdamW(Linear(rate)))
        budget = Budget(steps=20 if scale == "smoke" else 400, batch_size=1, seed=derive(self.seed, name))
        along = Along(stops, lambda: {"policy": policy.probabilities(0).detach()})
        improve(policy, FiniteScene(self.tree), self.tree.train(), method, budget, Decoding(self.tree.depth), display=along)
        return [seen["policy"] for seen in along.seen.values()] + [policy.probabilities(0).detach()]

    def measured(self, policy: Tensor) -> dict[str, float]:
        return measured(policy, self.posterior["policy"][0], self.reward)


def trial(arm: str, seed: int, scale: str, learning_rate: float) -> dict[str, float]:
    """An arm is tuned by what it maximises itself: RL by the reward, the others by the divergence from the posterior that each of them descends."""
    world = World(seed)
    found = world.measured(world.learned(arm, learning_rate, scale)[-1])
    own = {"RL": found["reward"], "RL with KL": -found["reverse KL"], "distributional policy gradient": -found["forward KL"]}
    return found | {"own objective": own[arm]}


def experiment(seed: int, scale: str, tuned: dict) -> dict:
    world = World(seed)
    arms = {arm: trial(arm, seed, scale, **setting) for arm, setting in tuned.items()}
    path = [world.measured(policy) for policy in world.learned("RL", tuned["RL"]["learning_rate"], scale, STOPS)]
    arms["RL, stopped early"] = min(path, key=lambda found: found["distance from the posterior"])
    prior = world.start.build()
    arms["identity"] = {"gap": max(identity(world.tree, prior, world.posterior, derive(seed, "policy", i)) for i in range(100))}
    return arms


def measured(policy: Tensor, posterior: Tensor, reward: Tensor) -> dict[str, float]:
    return {
        "reward": float(policy @ reward),
        "distance from the posterior": float((policy - posterior).abs().sum() / 2),
        "reverse KL": float(ExactKL()(policy, posterior)),
        "forward KL": float(ExactKL()(posterior, policy)),
        "entropy": float(-torch.special.xlogy(policy, policy).sum()),
        "mass of the best": float(policy[reward.argmax()]),
    }


def identity(world: RandomTree, prior: TablePolicy, posterior: dict[str, Tensor], seed: int) -> float:
    """How far the penalised reward of a random policy is from what its distance from the posterior says."""
    policy = world.policy(deviation=2.0, seed=seed).build()
    penalised = (policy.expect(world.rewards()) - BETA * policy.kl(prior)).detach()
    distance = float(ExactKL()(policy.probabilities(0).detach(), posterior["policy"][0]))
    return abs(float(penalised) - BETA * (float(posterior["log_partition"]) - distance))
